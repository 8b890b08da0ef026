# ruff: noqa: BLE001, S113 - as users write it
# mypy: ignore-errors
"""The tutorial's sequence of calls as its reader types them: no auth=, nothing that knows of an emulator."""

import json
import os

import joblib
import requests
from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice, Webservice
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

# --- part 1: train and register
digits = load_digits()
X, y = digits.data / 16, digits.target
joblib.dump(
    LogisticRegression(solver="liblinear").fit(X[:200, :][y[:200] < 2], y[:200][y[:200] < 2]), "sklearn_mnist_model.pkl"
)
clf = joblib.load("sklearn_mnist_model.pkl")
X_test = X[200:300]

ws = Workspace.from_config()
print("workspace", ws.name, ws.resource_group, ws.location, sep="\t")
Model.register(
    workspace=ws,
    model_path="sklearn_mnist_model.pkl",
    model_name="sklearn_mnist",
    tags={"data": "digits"},
    description="of the tutorial",
)
environment = Environment(name="tutorial-env")
environment.python.conda_dependencies = CondaDependencies("conda.yml")
environment.register(workspace=ws)

# --- part 2: deploy
model = Model(ws, "sklearn_mnist")
env = Environment.get(workspace=ws, name="tutorial-env", version="1")
inference_config = InferenceConfig(entry_script="score.py", source_directory="scoring", environment=env)
aciconfig = AciWebservice.deploy_configuration(
    cpu_cores=1, memory_gb=1, tags={"data": "MNIST", "method": "sklearn"}, description="Predict MNIST with sklearn"
)
service = Model.deploy(
    workspace=ws,
    name="sklearn-mnist-svc3",
    models=[model],
    inference_config=inference_config,
    deployment_config=aciconfig,
)
service.wait_for_deployment(show_output=True)
print()
print("uri", service.scoring_uri, service.state, sep="\t")

# --- test: all rows in one request, then some, then a raw request
y_hat = service.run(input_data=json.dumps({"data": X_test.tolist()}))
print("same labels", y_hat == clf.predict(X_test).tolist(), sep="\t")
print("confusion", confusion_matrix(y[200:300], y_hat).sum(), sep="\t")
random_row = "[" + ",".join(str(float(value)) for value in X_test[0]) + "]"
headers = {"Content-Type": "application/json"}
resp = requests.post(service.scoring_uri, '{"data": [' + random_row + "]}", headers=headers)
print("raw", resp.status_code, resp.json() == [int(clf.predict(X_test[:1])[0])], sep="\t")
print("log", "model loaded" in service.get_logs(), sep="\t")

# --- what one does next: keys
service.update(auth_enabled=True)
service.wait_for_deployment(show_output=True)
print()
print("without key", requests.post(service.scoring_uri, '{"data": []}', headers=headers).status_code, sep="\t")
primary, secondary = service.get_keys()
headers["Authorization"] = f"Bearer {primary}"
print(
    "with key",
    requests.post(service.scoring_uri, '{"data": [' + random_row + "]}", headers=headers).status_code,
    sep="\t",
)
print("run", service.run(json.dumps({"data": X_test[:2].tolist()})) == y_hat[:2], sep="\t")
service.regen_key("Primary")
print("old key", requests.post(service.scoring_uri, '{"data": []}', headers=headers).status_code, sep="\t")
print("regenerated", service.get_keys()[0] != primary and service.get_keys()[1] == secondary, sep="\t")

# --- another model under the same URI
uri = service.scoring_uri
joblib.dump(
    LogisticRegression(solver="liblinear").fit(X[:200, :][y[:200] > 7], y[:200][y[:200] > 7]), "sklearn_mnist_model.pkl"
)
second = Model.register(ws, "sklearn_mnist_model.pkl", "sklearn_mnist")
service.update(tags={"updated": "yes"}, models=[second], inference_config=inference_config)
service.wait_for_deployment(show_output=False)
print("updated", service.tags, service.scoring_uri == uri, [m.version for m in service.models], sep="\t")
print("new labels", set(service.run(json.dumps({"data": X_test.tolist()}))) == {8, 9}, sep="\t")
service.update(description="described anew")
print("described", AciWebservice(ws, "sklearn-mnist-svc3").description, sep="\t")
service.add_tags({"more": "tags"})
print(
    "listed", [(s.name, s.tags) for s in Webservice.list(ws, compute_type="ACI", model_name="sklearn_mnist")], sep="\t"
)

# --- the registry
print("models", [m.id for m in Model.list(ws, name="sklearn_mnist")], sep="\t")
print("by tag", [m.id for m in Model.list(ws, tags=[["data", "digits"]], latest=False)], sep="\t")
model.add_tags({"checked": "yes"})
print("tags", Model(ws, "sklearn_mnist", version=1).tags, sep="\t")
print("download", os.path.relpath(model.download("downloaded", exist_ok=True)), sep="\t")
print("environments", sorted(Environment.list(ws)), sep="\t")
try:
    second.delete()
except Exception as error:
    print("in use", "412" in str(error), sep="\t")

# --- and away
service.delete()
print("services", Webservice.list(ws), sep="\t")
for each in Model.list(ws):
    each.delete()
print("models left", Model.list(ws), sep="\t")
try:
    Webservice(ws, "sklearn-mnist-svc3")
except Exception as error:
    print("gone", "WebserviceNotFound" in str(error), sep="\t")
