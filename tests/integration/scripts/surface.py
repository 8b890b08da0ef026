# ruff: noqa: ANN001, ANN201, BLE001, PLW0108, S113, SLF001 - as users write it
# mypy: ignore-errors
"""Calls every public method of the SDK's classes for models, environments and web services; see test_sdk_surface.py."""

import contextlib
import io
import json
import logging
import sys
import types
import zipfile
from pathlib import Path

import requests
from azureml.core import Environment, Model, Webservice, Workspace
from azureml.core.image import ContainerImage, Image
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice

logging.getLogger("azureml").setLevel(logging.CRITICAL + 1)
ws = Workspace.from_config()
SUBSCRIPTION, GROUP, NAME = ws.subscription_id, ws.resource_group, "surface"
AT = {"subscription_id": SUBSCRIPTION, "resource_group": GROUP}
Path("model.pkl").write_bytes(b"a model")
Path("requirements.txt").write_text("joblib\n", encoding="utf-8")
with zipfile.ZipFile("own-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("own.py", "")
found = {}  # what later calls need of earlier ones


def keep(name, value):
    """Remember a value and return it."""
    found[name] = value
    return value


def model():
    """The registered model."""
    return found["model"]


def service():
    """The deployed web service."""
    return found["service"]


def environment():
    """The registered environment."""
    return Environment.get(ws, NAME)


def inference_config():
    """The tutorial's."""
    return InferenceConfig(entry_script="score.py", source_directory="scoring", environment=environment())


def image_config():
    """What the SDK deployed with before there were environments."""
    return ContainerImage.image_configuration(execution_script="score.py", runtime="python")


def deploy():
    """Deploy and wait."""
    configuration = AciWebservice.deploy_configuration(auth_enabled=True, tags={"kind": "surface"})
    return keep("service", Model.deploy(ws, NAME, [model()], inference_config(), configuration))


def payload(path):
    """What model management answers, as the wire has it."""
    context = ws.service_context
    url = f"{context._get_modelmanagement_url()}/modelmanagement/v1.0{context._get_workspace_scope()}/{path}"
    return requests.get(url, headers=ws._auth.get_authentication_header()).json()


CALLS = {
    # --- the workspace
    "Workspace.from_config": lambda: Workspace.from_config().name,
    "Workspace.get": lambda: Workspace.get(ws.name, **AT).name,
    "Workspace.list": lambda: [sorted(Workspace.list(**at)) for at in ({"subscription_id": SUBSCRIPTION}, AT)],
    "Workspace.create": lambda: Workspace.create(ws.name, location="eastus", exist_ok=True, **AT).name,
    "Workspace.create a new one": lambda: Workspace.create(f"{ws.name}-2", location="eastus", **AT),
    "Workspace.setup": lambda: Workspace.setup().name,
    "Workspace.write_config": lambda: ws.write_config(".", "written.json") or Path(".azureml/written.json").read_text(),
    "Workspace.get_details": lambda: ws.get_details(),
    "Workspace.update": lambda: ws.update(friendly_name="Friendly", tags={"kind": "surface"}),
    "Workspace.update_dependencies": lambda: ws.update_dependencies(),
    "Workspace.get_default_keyvault": lambda: ws.get_default_keyvault(),
    **{
        f"Workspace.{name}": lambda name=name: getattr(ws, name)
        for name in [
            "name",
            "subscription_id",
            "resource_group",
            "location",
            "tags",
            "sku",
            "discovery_url",
            "service_context",
            "environments",
            "models",
            "webservices",
            "private_endpoints",
            "compute_targets",
            "datasets",
            "datastores",
            "experiments",
            "images",
            "linked_services",
        ]
    },
    **{
        f"Workspace.{name}": lambda name=name: getattr(ws, name)()
        for name in ["get_default_datastore", "get_mlflow_tracking_uri", "list_connections", "list_keys", "sync_keys"]
    },
    "Workspace.get_default_compute_target": lambda: ws.get_default_compute_target("CPU"),
    "Workspace.set_default_datastore": lambda: ws.set_default_datastore("store"),
    "Workspace.get_run": lambda: ws.get_run("run"),
    "Workspace.diagnose_workspace": lambda: ws.diagnose_workspace({}),
    "Workspace.set_connection": lambda: ws.set_connection("name", "PythonFeed", "https://127.0.0.1", "None", "value"),
    "Workspace.get_connection": lambda: ws.get_connection("name"),
    "Workspace.delete_connection": lambda: ws.delete_connection("name"),
    "Workspace.add_private_endpoint": lambda: ws.add_private_endpoint(
        types.SimpleNamespace(vnet_subscription_id=None, vnet_resource_group=None, vnet_name="v", vnet_subnet_name="s")
    ),
    "Workspace.delete_private_endpoint_connection": lambda: ws.delete_private_endpoint_connection("name"),
    # --- the environment
    "Environment.from_conda_specification": lambda: (
        keep("environment", Environment.from_conda_specification(NAME, "conda.yml")).name
    ),
    "Environment.environment_variables": lambda: found["environment"].environment_variables,
    "Environment.register": lambda: found["environment"].register(ws).version,
    "Environment.get": lambda: Environment.get(ws, NAME, version="1").version,
    "Environment.label": lambda: (
        Environment.label(ws, NAME, "1", ["proven"]),
        Environment.get(ws, NAME, label="proven").version,
    ),
    "Environment.list": lambda: sorted(Environment.list(ws)),
    "Environment.get_image_details": lambda: environment().get_image_details(ws).image_exist,
    "Environment.clone": lambda: environment().clone("clone").name,
    "Environment.save_to_directory": lambda: environment().save_to_directory("saved"),
    "Environment.load_from_directory": lambda: Environment.load_from_directory("saved").name,
    "Environment.add_private_pip_wheel": lambda: Environment.add_private_pip_wheel(ws, "own-1.0-py3-none-any.whl"),
    "Environment.from_pip_requirements": lambda: Environment.from_pip_requirements("pip", "requirements.txt").name,
    "Environment.from_docker_image": lambda: Environment.from_docker_image("image", "ubuntu").name,
    "Environment.from_dockerfile": lambda: Environment.from_dockerfile("file", "FROM ubuntu").name,
    "Environment.from_docker_build_context": lambda: Environment.from_docker_build_context("context", None).name,
    "Environment.build": lambda: environment().build(ws),
    "Environment.build_local": lambda: environment().build_local(ws),
    # --- the model
    "Model.register": lambda: keep("model", Model.register(ws, "model.pkl", NAME, properties={"origin": "here"})).id,
    "Model.add_tags": lambda: model().add_tags({"more": "1"}) or Model(ws, NAME).tags,
    "Model.remove_tags": lambda: model().remove_tags(["more"]) or Model(ws, NAME).tags,
    "Model.add_properties": lambda: model().add_properties({"new": "1"}) or Model(ws, NAME).properties,
    "Model.update_tags_properties": lambda: (
        model().update_tags_properties({"b": "2"}, [], {"newer": "1"}) or Model(ws, NAME).tags
    ),
    "Model.update": lambda: model().update(tags={"c": "3"}, description="described") or Model(ws, NAME).description,
    "Model.add_dataset_references": lambda: model().add_dataset_references([]),
    "Model.list": lambda: [each.id for each in Model.list(ws, name=NAME)],
    "Model.get_sas_urls": lambda: requests.get(model().get_sas_urls()["model.pkl"]).content,
    "Model.download": lambda: Path(model().download("downloaded")).read_bytes(),
    "Model.get_model_path": lambda: Path(Model.get_model_path(NAME, _workspace=ws)).read_bytes(),
    "Model.serialize": lambda: model().serialize()["id"],
    "Model.deserialize": lambda: Model.deserialize(ws, payload(f"models/{model().id}")).id,
    "Model.print_configuration": lambda: Model.print_configuration(
        [model()], inference_config(), AciWebservice.deploy_configuration(), None
    ),
    "Model.package": lambda: Model.package(ws, [model()], inference_config()),
    "Model.profile": lambda: Model.profile(ws, NAME, [model()], inference_config(), None),
    # --- the web service
    "Webservice.check_for_existing_webservice": lambda: Webservice.check_for_existing_webservice(ws, NAME),
    "AciWebservice.deploy_configuration": lambda: AciWebservice.deploy_configuration(cpu_cores=1).cpu_cores,
    "Model.deploy": lambda: deploy().name,
    "Webservice.wait_for_deployment": lambda: service().wait_for_deployment(show_output=True) or service().state,
    "Webservice.update_deployment_state": lambda: service().update_deployment_state(),
    "Webservice.list": lambda: [each.name for each in Webservice.list(ws, model_name=NAME)],
    "AciWebservice.run": lambda: service().run('"hello"'),
    "Webservice.run": lambda: Webservice.run(service(), '"hello"'),
    "Webservice.get_keys": lambda: [len(key) for key in service().get_keys()],
    "Webservice.regen_key": lambda: service().regen_key("Primary"),
    "Webservice.get_logs": lambda: service().get_logs(),
    "Webservice.get_token": lambda: Webservice.get_token(service()),
    "AciWebservice.add_tags": lambda: service().add_tags({"more": "1"}) or AciWebservice(ws, NAME).tags,
    "AciWebservice.remove_tags": lambda: service().remove_tags(["more"]) or AciWebservice(ws, NAME).tags,
    "AciWebservice.add_properties": lambda: (
        service().add_properties({"new": "1"}) or AciWebservice(ws, NAME).properties
    ),
    "AciWebservice.update": lambda: service().update(description="described") or AciWebservice(ws, NAME).description,
    "Webservice.update": lambda: Webservice.update(service()),
    "AciWebservice.serialize": lambda: service().serialize()["scoringUri"],
    "Webservice.serialize": lambda: Webservice.serialize(service())["name"],
    "AciWebservice.deserialize": lambda: AciWebservice.deserialize(ws, payload(f"services/{NAME}")).name,
    "Webservice.deserialize": lambda: AciWebservice.deserialize(ws, payload(f"services/{NAME}")).name,
    "Webservice.deploy": lambda: Webservice.deploy(ws, "other-kind", ["model.pkl"], image_config()),
    "Webservice.deploy_from_model": lambda: Webservice.deploy_from_model(ws, "other-kind", [model()], image_config()),
    "Webservice.deploy_from_image": lambda: Webservice.deploy_from_image(ws, "other-kind", Image(ws, id="image:1")),
    # --- and away
    "Webservice.delete": lambda: service().delete() or [each.name for each in Webservice.list(ws)],
    "Model.delete": lambda: model().delete() or [each.id for each in Model.list(ws)],
    "Workspace.delete": lambda: ws.delete() or ws.name in Workspace.list(**AT),
}


def surface():
    """Return the public methods and properties of the classes; what a class inherits counts once."""
    names = []
    for kind in (Model, Webservice, AciWebservice, Environment, Workspace):
        for name in dir(kind):
            value = getattr(kind, name)
            inherited = kind is AciWebservice and value == getattr(Webservice, name, None)
            if not name.startswith("_") and not name.isupper() and not isinstance(value, type) and not inherited:
                names.append(f"{kind.__name__}.{name}")
    return names


def call(action):
    """Return what the call gives and prints, or the error that it raises."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            said = f"{action()}"
    except BaseException as error:
        return {"raised": type(error).__name__, "said": " ".join(str(error).split())}
    return {"raised": None, "said": f"{said} {printed.getvalue()}"}


Path("score.py").write_text(Path("scoring/score.py").read_text(encoding="utf-8"), encoding="utf-8")
called = {name: call(action) for name, action in CALLS.items()}
sys.stdout.write(json.dumps({"surface": surface(), "called": called}))
