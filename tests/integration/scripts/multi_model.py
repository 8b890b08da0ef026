# ruff: noqa: D100, FBT003, PTH123, SIM115 - as users write it
# mypy: ignore-errors
import json

import joblib
import sklearn
import yaml
from azureml.core import Environment, Workspace
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice
from sklearn.datasets import load_diabetes
from sklearn.linear_model import BayesianRidge, Ridge

ws = Workspace.from_config()
print("workspace", ws.name, ws.resource_group, ws.location, sep="\t")
x, y = load_diabetes(return_X_y=True)
first, second = Ridge().fit(x, y), BayesianRidge().fit(x, y)
joblib.dump(first, "first_model.pkl")
joblib.dump(second, "second_model.pkl")
my_model_1 = Model.register(model_path="first_model.pkl", model_name="my_first_model", workspace=ws)
my_model_2 = Model.register(model_path="second_model.pkl", model_name="my_second_model", workspace=ws)

# --- one model is found by its name, the other by folder, name, version and file
with open("score.py", "w") as file:
    file.write("""
import json
import os

import joblib
import numpy as np
from azureml.core.model import Model


def init():
    global model_1, model_2
    model_1 = joblib.load(Model.get_model_path(model_name="my_first_model"))
    folder = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "my_second_model", "1")
    model_2 = joblib.load(os.path.join(folder, "second_model.pkl"))


def run(raw_data):
    try:
        data = np.array(json.loads(raw_data)["data"])
        return {"prediction1": model_1.predict(data).tolist(), "prediction2": model_2.predict(data).tolist()}
    except Exception as e:
        return str(e)
""")
env = Environment("deploytocloudenv")
dependencies = env.python.conda_dependencies
dependencies.set_python_version("3.11")
dependencies.remove_pip_package("azureml-defaults")
for package in yaml.safe_load(open("conda.yml"))["dependencies"][-1]["pip"]:
    if not package.startswith(("scikit-learn", "packaging")):
        dependencies.add_pip_package(package)
dependencies.add_pip_package("azureml-core==1.61.0.post4")
dependencies.add_pip_package(f"scikit-learn=={sklearn.__version__}")
inference_config = InferenceConfig(entry_script="score.py", environment=env)

deployment_config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
service = Model.deploy(
    ws, "aciservice-multimodel", [my_model_1, my_model_2], inference_config, deployment_config, overwrite=True
)
service.wait_for_deployment(True)
print()
print("state", service.state, [model.id for model in service.models], sep="\t")
prediction = service.run(json.dumps({"data": x[0:2].tolist()}))
print("first", prediction["prediction1"] == first.predict(x[:2]).tolist(), sep="\t")
print("second", prediction["prediction2"] == second.predict(x[:2]).tolist(), sep="\t")
print("caught", "features" in service.run(json.dumps({"data": [[1, 2]]})), sep="\t")
service.delete()
