# ruff: noqa: BLE001, D100, PTH123, SIM115 - as users write it
# mypy: ignore-errors
import json

import joblib
import numpy as np
import yaml
from azureml.core import Webservice, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice

# --- The tutorial's third part scores what it cannot read: encrypted rows. Its library is of Python 3.6 and its keys
# travel through the workspace's datastore; here the rows are as they are, and the rest of the calls is the same.
ws = Workspace.from_config()
model = Model.register(
    model_path="sklearn_mnist_model.pkl", model_name="sklearn_mnist", tags={"data": "mnist"}, workspace=ws
)
env = Environment("tutorial-env")
packages = yaml.safe_load(open("conda.yml"))["dependencies"][-1]["pip"]
env.python.conda_dependencies = CondaDependencies.create(python_version="3.11", pip_packages=packages)
env.register(workspace=ws)

with open("score.py", "w") as file:
    file.write("""
import json
import os

import joblib
import numpy as np


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_mnist_model.pkl"))
    print("scores for", model.classes_)


def run(raw_data):
    properties = json.loads(raw_data)
    scores = model.decision_function(np.array([properties["data"]]))[0]
    return {"key_id": properties["key_id"], "scores": scores.tolist()}
""")
myenv = Environment.get(workspace=ws, name="tutorial-env")
aciconfig = AciWebservice.deploy_configuration(
    cpu_cores=1, memory_gb=1, tags={"data": "MNIST", "method": "sklearn"}, description="Predict MNIST with sklearn"
)
Model.deploy(
    workspace=ws,
    name="sklearn-mnist-svc",
    models=[Model(ws, "sklearn_mnist")],
    inference_config=InferenceConfig(entry_script="score.py", environment=myenv),
    deployment_config=aciconfig,
).wait_for_deployment(show_output=True)
print()

try:
    datastore = ws.get_default_datastore()
except Exception as error:
    print("datastore", str(error).split(";")[0], sep="\t")

service = Webservice(ws, "sklearn-mnist-svc")
row = np.linspace(0, 1, 784)
data = bytes(json.dumps({"data": row.tolist(), "key_id": "mine"}), encoding="ASCII")
answer = service.run(input_data=data)
expected = joblib.load("sklearn_mnist_model.pkl").decision_function([row])[0]
print("key", answer["key_id"], sep="\t")
print("scores", np.allclose(answer["scores"], expected), sep="\t")
print("prediction", np.argmax(answer["scores"]) == np.argmax(expected), sep="\t")
print("log", "scores for [0 1 2 3 4 5 6 7 8 9]" in service.get_logs(), sep="\t")
service.delete()
