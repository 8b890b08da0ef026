# ruff: noqa: ANN001, ANN201, BLE001, D100, D103, PTH123, SIM105, SIM115 - as users write it
# mypy: ignore-errors
import json

import joblib
import requests
import yaml
from azureml.core import Environment, Model, Webservice, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.webservice import AciWebservice
from azureml.exceptions import WebserviceException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

ws = Workspace.from_config()
x, y = load_diabetes(return_X_y=True)
ridge = Ridge().fit(x, y)
joblib.dump(ridge, "sklearn_regression_model.pkl")


def attempt(name, call):
    try:
        call()
    except Exception as error:
        print()  # the SDK leaves its progress line open
        print(name, type(error).__name__, " ".join(str(error).split()), sep="\t")
    else:
        print(name, "went well", sep="\t")


def remove(name):
    try:
        Webservice(ws, name).delete()
    except WebserviceException:
        pass


attempt("datastore", ws.get_default_datastore)
model = Model.register(
    workspace=ws,
    model_name="my-sklearn-model",
    model_path="./sklearn_regression_model.pkl",
    model_framework=Model.Framework.SCIKITLEARN,
    model_framework_version="1.9",
    resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    description="Ridge regression",
    tags={"area": "diabetes", "type": "regression"},
)
print("model", model.name, model.version, model.model_framework, model.model_framework_version, sep="\t")
print("resources", model.resource_configuration.serialize(), sep="\t")

# --- without code: Azure brings the entry script and the environment
remove("my-sklearn-service")
attempt("no code", lambda: Model.deploy(ws, "my-sklearn-service", [model]))

# --- with both, and a schema of what goes in and out
environment = Environment("my-sklearn-environment")
packages = yaml.safe_load(open("conda.yml"))["dependencies"][-1]["pip"]
environment.python.conda_dependencies = CondaDependencies.create(python_version="3.11", pip_packages=packages)
with open("score.py", "w") as file:
    file.write("""
import os

import joblib
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_regression_model.pkl"))


@input_schema("data", NumpyParameterType(np.array([[0.1] * 10])))
@output_schema(NumpyParameterType(np.array([152.1])))
def run(data):
    return model.predict(data).tolist()
""")
inference_config = InferenceConfig(entry_script="score.py", environment=environment)
remove("my-custom-env-service")
service = Model.deploy(
    workspace=ws,
    name="my-custom-env-service",
    models=[model],
    inference_config=inference_config,
    deployment_config=AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1),
)
service.wait_for_deployment(show_output=True)
print()
output = service.run(json.dumps({"data": x[:1].tolist()}))
print("output", output == ridge.predict(x[:1]).tolist(), sep="\t")
definitions = requests.get(service.swagger_uri, timeout=10).json()["definitions"]
print("schema", definitions["ServiceInput"]["properties"]["data"]["type"], sep="\t")
wrong = requests.post(service.scoring_uri, json={"rows": []}, timeout=10)
print("not of the schema", wrong.status_code, sep="\t")

# --- images: packages and profiles
attempt("package", lambda: Model.package(ws, [model], inference_config))
attempt("dockerfile", lambda: Model.package(ws, [model], inference_config, generate_dockerfile=True))
attempt("profile", lambda: Model.profile(ws, "rgrsn-1", [model], inference_config, input_dataset=None))
remove("my-custom-env-service")
attempt("gone", lambda: Webservice(ws, "my-custom-env-service"))
