# ruff: noqa: ANN001, ANN201, BLE001, D100, D103, PTH103, PTH123, S113 - as users write it
# mypy: ignore-errors
import json
import os

import requests
from azureml.core import Environment, Model, Webservice, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.core.webservice import AciWebservice


def attempt(name, call):
    try:
        call()
    except Exception as error:
        print()  # the SDK leaves its progress line open
        print(name, type(error).__name__, " ".join(str(error).split()), sep="\t")
    else:
        print(name, "went well", sep="\t")


ws = Workspace.from_config()
for name in ("first", "second"):
    with open(f"{name}.txt", "w") as file:
        file.write(name)
    size = ResourceConfiguration(cpu=1, memory_in_gb=0.5)
    Model.register(ws, f"{name}.txt", f"options-{name}", tags={"order": name}, resource_configuration=size)
first, second = Model(ws, "options-first"), Model(ws, "options-second")
os.makedirs("project/inner")
with open("project/sibling.py", "w") as file:
    file.write("PLACE = 'sibling'\n")
with open("project/inner/score.py", "w") as file:
    file.write("""
import json
import os

from sibling import PLACE


def init():
    print("greeted with", os.environ["GREETING"])


def run(raw_data):
    data = json.loads(raw_data)["data"]
    if data == "fail":
        raise ValueError("asked to fail")
    found = sorted(name for _, _, names in os.walk(os.environ["AZUREML_MODEL_DIR"]) for name in names)
    return {"data": data, "place": PLACE, "models": found}
""")
with open("single.py", "w") as file:
    file.write("def init():\n    pass\n\n\ndef run(raw_data):\n    return 'single'\n")
env = Environment.from_conda_specification("options-env", "conda.yml")
env.environment_variables = {"GREETING": "hello"}
project = InferenceConfig(entry_script="inner/score.py", source_directory="project", environment=env)

# --- every argument that there is
everything = AciWebservice.deploy_configuration(
    cpu_cores=0.5,
    memory_gb=0.75,
    tags={"data": "none"},
    properties={"made": "here"},
    description="all arguments",
    location="westeurope",
    auth_enabled=True,
    ssl_enabled=False,
    enable_app_insights=True,
    dns_name_label="digits-options",
    primary_key="first-key-of-the-user-s-own",
    secondary_key="second-key-of-the-user-s-own",
    collect_model_data=True,
    cmk_vault_base_url="https://vault.invalid",
    cmk_key_name="a-key",
    cmk_key_version="1",
    vnet_name="a-network",
    subnet_name="a-subnet",
)
everything.print_deploy_configuration()
service = Model.deploy(ws, "options-one", [first, second], project, everything, show_output=True)
service.wait_for_deployment(show_output=True, timeout_sec=200)
print()
size = service.container_resource_requirements
print("configured", size.cpu, size.memory_in_gb, service.tags, service.properties, service.description, sep="\t")
print("switched", service.auth_enabled, service.ssl_enabled, service.enable_app_insights, service.location, sep="\t")
print("kept", service.vnet_configuration.serialize(), service.encryption_properties.serialize(), sep="\t")
print("keys", service.get_keys() == (everything.primary_key, everything.secondary_key), sep="\t")
answer = service.run(json.dumps({"data": "größe ☃"}, ensure_ascii=False))
print("answer", answer["data"] == "größe ☃", answer["place"], answer["models"], sep="\t")
print("log", "greeted with hello" in service.get_logs(), len(service.get_logs(num_lines=2).splitlines()), sep="\t")
print("sized", [model.resource_configuration.memory_in_gb for model in service.models], sep="\t")
print("printed", "options-one" in str(service), service.serialize()["modelDetails"][1]["name"], sep="\t")
bearer = {"Authorization": "Bearer " + everything.secondary_key}
swagger = [requests.get(service.swagger_uri, headers=headers).status_code for headers in ({}, bearer)]
print("swagger", swagger, sep="\t")
attempt("failing row", lambda: service.run(json.dumps({"data": "fail"})))
attempt("not text", lambda: service.run({"data": 1}))
print("traceback", "ValueError: asked to fail" in service.get_logs(), sep="\t")
attempt("token", service.get_token)
attempt("no such key", lambda: service.regen_key("Tertiary"))
service.regen_key("secondary", set_key="third-key-of-the-user-s-own")
print("set key", service.get_keys()[1], requests.post(service.scoring_uri, "{}", headers=bearer).status_code, sep="\t")

# --- found again
print("by model", [each.name for each in Webservice.list(ws, model_name="options-second")], sep="\t")
print("by model id", [each.name for each in Webservice.list(ws, model_id=first.id)], sep="\t")
print("by tag", [each.name for each in Webservice.list(ws, tags=[["data", "none"]])], sep="\t")
print("of another kind", Webservice.list(ws, compute_type="AKS"), list(ws.webservices), sep="\t")
attempt("no such kind", lambda: Webservice.list(ws, compute_type="LAPTOP"))
attempt("model in use", first.delete)

# --- the same name again
other = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
single = InferenceConfig(entry_script="single.py", environment=env.clone("options-single"))
attempt("taken", lambda: Model.deploy(ws, "options-one", [], project, other))
uri = service.scoring_uri
service = Model.deploy(ws, "options-one", [second], project, other, overwrite=True)
service.wait_for_deployment()
print("replaced", service.tags, service.description, service.auth_enabled, service.scoring_uri == uri, sep="\t")
print("one model", service.run(json.dumps({"data": 1}))["models"], sep="\t")

# --- changed, one thing and several at a time
attempt("nothing to change", service.update)
attempt("models without code", lambda: service.update(models=[first]))
service.update(tags={"a": "b"}, description="changed", enable_app_insights=True)
service.add_tags({"c": "d"})
service.remove_tags(["a"])
service.add_properties({"more": "properties"})
read = Webservice(ws, "options-one")
print("read", read.tags, read.properties, read.description, read.enable_app_insights, sep="\t")
service.update(inference_config=single, auth_enabled=True, tags={"e": "f"})
service.wait_for_deployment(show_output=True)
print()
print("updated", service.run("{}"), service.auth_enabled, service.tags, [m.id for m in service.models], sep="\t")
print("without key", requests.post(service.scoring_uri, "{}").status_code, sep="\t")

# --- removed, and asked for all the same
service.delete()
service.delete()
print("left", Webservice.list(ws), sep="\t")
for name, call in {
    "log of nobody": service.get_logs,
    "keys of nobody": service.get_keys,
    "update of nobody": lambda: service.update(tags={"a": "b"}),
    "state of nobody": service.update_deployment_state,
    "nobody": lambda: Webservice(ws, "options-one"),
}.items():
    attempt(name, call)
