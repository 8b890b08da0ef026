# ruff: noqa: ANN001, ANN201, D100, D103, NPY002, PTH109, PTH118, PTH123, S113, SIM115 - as users write it
# mypy: ignore-errors
import gzip
import json
import os
import struct

import azureml.core
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import requests
import yaml
from azureml.core import Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice, Webservice
from sklearn.metrics import confusion_matrix

print("sdk", azureml.core.VERSION.startswith("1."), sep="\t")

# --- for those who did not do the part before: model and environment
ws = Workspace.from_config()
Model.register(
    workspace=ws,
    model_path="sklearn_mnist_model.pkl",
    model_name="sklearn_mnist",
    tags={"data": "mnist", "model": "classification"},
    description="reads handwritten digits",
)
env = Environment("tutorial-env")
packages = yaml.safe_load(open("conda.yml"))["dependencies"][-1]["pip"]
env.python.conda_dependencies = CondaDependencies.create(python_version="3.11", pip_packages=packages)
env.register(workspace=ws)

# --- the entry script lies next to the notebook, without a folder of its own
with open("score.py", "w") as file:
    file.write("""
import json
import os

import joblib
import numpy as np


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_mnist_model.pkl"))


def run(raw_data):
    return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
""")
aciconfig = AciWebservice.deploy_configuration(
    cpu_cores=1, memory_gb=1, tags={"data": "MNIST", "method": "sklearn"}, description="Predict MNIST with sklearn"
)
model = Model(ws, "sklearn_mnist")
myenv = Environment.get(workspace=ws, name="tutorial-env", version="1")
service = Model.deploy(
    workspace=ws,
    name="sklearn-mnist-svc",
    models=[model],
    inference_config=InferenceConfig(entry_script="score.py", environment=myenv),
    deployment_config=aciconfig,
)
service.wait_for_deployment(show_output=True)
print()
print("uri", service.scoring_uri, sep="\t")


# --- the test data
def load_data(path, labels):
    with gzip.open(path) as gz:
        struct.unpack("I", gz.read(4))
        (count,) = struct.unpack(">I", gz.read(4))
        if labels:
            return np.frombuffer(gz.read(count), dtype=np.uint8).reshape(count)
        rows, columns = struct.unpack(">II", gz.read(8))
        return np.frombuffer(gz.read(count * rows * columns), dtype=np.uint8).reshape(count, rows * columns)


data_folder = os.path.join(os.getcwd(), "data")
X_test = load_data(os.path.join(data_folder, "t10k-images-idx3-ubyte.gz"), labels=False) / 255.0
y_test = load_data(os.path.join(data_folder, "t10k-labels-idx1-ubyte.gz"), labels=True).reshape(-1)

# --- all of it in one request, as bytes
y_hat = service.run(input_data=bytes(json.dumps({"data": X_test.tolist()}), encoding="utf8"))
conf_mx = confusion_matrix(y_test, y_hat)
print("rows", conf_mx.sum() == len(y_test), sep="\t")
print("accuracy", np.average(y_hat == y_test) > 0.9, sep="\t")
norm_conf_mx = conf_mx / conf_mx.sum(axis=1, keepdims=True)
np.fill_diagonal(norm_conf_mx, 0)
figure = plt.figure(figsize=(8, 5))
figure.colorbar(figure.add_subplot(111).matshow(norm_conf_mx, cmap=plt.cm.bone))
plt.savefig("conf.png")

# --- thirty at random
indices = np.random.permutation(X_test.shape[0])[:30]
result = service.run(input_data=bytes(json.dumps({"data": X_test[indices].tolist()}), encoding="utf8"))
print("samples", result == [y_hat[index] for index in indices], sep="\t")

# --- one by hand
index = np.random.randint(0, len(X_test) - 1)
input_data = '{"data": [' + str(X_test[index].tolist()) + "]}"
resp = requests.post(service.scoring_uri, input_data, headers={"Content-Type": "application/json"})
print("by hand", resp.text == str([y_hat[index]]), sep="\t")

# --- and what a reader looks at: the service fetched anew, printed, its description of itself
print("printed", "sklearn-mnist-svc" in str(Webservice(ws, "sklearn-mnist-svc")), sep="\t")
print("swagger", requests.get(service.swagger_uri).json()["swagger"], sep="\t")
service.delete()
print("services", Webservice.list(ws), sep="\t")
