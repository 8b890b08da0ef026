# ruff: noqa: D100, PTH123, SIM115 - as users write it
# mypy: ignore-errors
import json

import joblib
import yaml
from azureml.core import Model, Webservice, Workspace
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

ws = Workspace.from_config()
joblib.dump(Ridge().fit(*load_diabetes(return_X_y=True)), "sklearn_regression_model.pkl")
model = Model.register(
    model_path="sklearn_regression_model.pkl",
    model_name="sklearn_regression_model.pkl",
    tags={"area": "diabetes", "type": "regression"},
    description="Ridge regression model",
    workspace=ws,
)
print("model", model.name, model.description, model.version, sep="\t")

with open("score.py", "w") as file:
    file.write("""
import json
import os
import time

import joblib
import numpy


def init():
    global model
    print("model initialized" + time.strftime("%H:%M:%S"))
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_regression_model.pkl"))


def run(raw_data):
    try:
        result = model.predict(numpy.array(json.loads(raw_data)["data"]))
        print("Prediction created" + time.strftime("%H:%M:%S"))
        return result.tolist()
    except Exception as e:
        error = str(e)
        print(error + time.strftime("%H:%M:%S"))
        return error
""")
# --- some of the packages from conda, some from pip, through a file
packages = yaml.safe_load(open("conda.yml"))["dependencies"][-1]["pip"]
of_conda = [package for package in packages if package.startswith(("numpy", "scikit-learn"))]
myenv = CondaDependencies.create(
    python_version="3.11", conda_packages=of_conda, pip_packages=[each for each in packages if each not in of_conda]
)
with open("myenv.yml", "w") as file:
    file.write(myenv.serialize_to_string())
inference_config = InferenceConfig(
    entry_script="score.py", environment=Environment.from_conda_specification(name="myenv", file_path="myenv.yml")
)
aci_deployment_config = AciWebservice.deploy_configuration(
    cpu_cores=1,
    memory_gb=1,
    tags={"area": "diabetes", "type": "regression"},
    description="Predict diabetes using regression model",
    enable_app_insights=True,
)
aci_service = Model.deploy(
    ws, "aci-service-appinsights", [model], inference_config, aci_deployment_config, overwrite=True
)
aci_service.wait_for_deployment(show_output=True)
print()
print("state", aci_service.state, aci_service.enable_app_insights, sep="\t")

rows = [[1, 28, 13, 45, 54, 6, 57, 8, 8, 10], [101, 9, 8, 37, 6, 45, 4, 3, 2, 41]]
print("predictions", len(aci_service.run(json.dumps({"data": rows}))), sep="\t")
print("error as text", "features" in aci_service.run(json.dumps({"data": [[1]]})), sep="\t")
logs = aci_service.get_logs()
print("traces", "model initialized" in logs, "Prediction created" in logs, "features" in logs, sep="\t")

# --- a cluster, where there is one
try:
    ComputeTarget(ws, "my-aks-insights")
except ComputeTargetException as error:
    print("cluster", "The emulator does not do" in str(error), sep="\t")
try:
    ComputeTarget.create(ws, "my-aks-insights", AksCompute.provisioning_configuration())
except ComputeTargetException as error:
    print("new cluster", "The emulator does not do" in str(error), sep="\t")

# --- off, on, off, as one does it, waiting each time
for switch in (False, True, False):
    aci_service.update(enable_app_insights=switch)
    aci_service.wait_for_deployment(show_output=True)
    print()
    print(f"switched {switch}", Webservice(ws, "aci-service-appinsights").enable_app_insights, sep="\t")
aci_service.delete()
model.delete()
print("models", [each.name for each in Model.list(ws, name="sklearn_regression_model.pkl")], sep="\t")
