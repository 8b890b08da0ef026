# ruff: noqa: ANN001, ANN003, ANN201, BLE001, D100, D103, PTH103, PTH118, PTH123, PTH208 - as users write it
# mypy: ignore-errors
import os

from azureml.core import Environment, Model, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.resource_configuration import ResourceConfiguration


def attempt(name, call):
    try:
        call()
    except Exception as error:
        print()  # the SDK leaves its progress line open
        print(name, type(error).__name__, " ".join(str(error).split()), sep="\t")
    else:
        print(name, "went well", sep="\t")


# --- a workspace, in each way to get one
ws = Workspace.from_config()
os.makedirs("elsewhere")
ws.write_config(path="elsewhere", file_name="mine.json")
again = Workspace.from_config(path="elsewhere/.azureml/mine.json")
named = Workspace.get(ws.name, subscription_id=ws.subscription_id, resource_group=ws.resource_group)
built = Workspace(ws.subscription_id, ws.resource_group, ws.name)
print(
    "same workspace", {each.get_details()["id"] for each in (again, named, built)} == {ws.get_details()["id"]}, sep="\t"
)
attempt("no such workspace", lambda: Workspace(ws.subscription_id, ws.resource_group, "nobody"))
attempt("no config", lambda: Workspace.from_config(path="/"))

# --- models: everything that can be said about one
with open("model.txt", "w") as file:
    file.write("a model")
os.makedirs("folder/deep")
for path in ("folder/a.txt", "folder/deep/b.txt"):
    with open(path, "w") as file:
        file.write(path)
model = Model.register(
    workspace=ws,
    model_path="./model.txt",
    model_name="registry-model",
    tags={"area": "digits", "type": "text"},
    properties={"made": "here"},
    description="not a model at all",
    model_framework=Model.Framework.SCIKITLEARN,
    model_framework_version="1.9",
    resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
)
print("model", model.id, model.model_framework, model.model_framework_version, model.description, sep="\t")
second = Model.register(ws, "model.txt", "registry-model", tags={"area": "letters"})
folder = Model.register(ws, "folder", "registry-folder")
part = Model.register(ws, "folder", "registry-part", child_paths=["deep/b.txt"])


def ids(**query):
    return [each.id for each in Model.list(ws, **query)]


print("by name", ids(name="registry-model"), sep="\t")
print("by tag", ids(tags=[["area", "digits"], "type"]), ids(tags=["area"]), sep="\t")
print("by property", ids(properties=[["made", "here"]]), sep="\t")
print("latest", sorted(ids(latest=True)), sep="\t")
print("of no run", ids(run_id="nobody"), sep="\t")
print("versions", Model(ws, "registry-model").version, Model(ws, "registry-model", version=1).version, sep="\t")
print(
    "tagged", Model(ws, "registry-model", tags=[["area", "digits"]]).version, Model(ws, id=model.id).version, sep="\t"
)
model.add_tags({"checked": "no"})
model.add_tags({"checked": "yes"})
model.remove_tags(["type", "never was"])
model.add_properties({"more": "properties"})
model.update(description="described anew", resource_configuration=ResourceConfiguration(cpu=2, memory_in_gb=1))
model.update_tags_properties(add_tags={"k": "v"}, remove_tags=["area"])
read = Model(ws, "registry-model", version=1)
print("changed", read.tags, read.properties, read.description, read.resource_configuration.serialize(), sep="\t")
print("serialized", read.serialize()["framework"], Model.deserialize(ws, read.serialize()).name, sep="\t")

print("downloaded", model.download("down"), folder.download("down"), part.download("down2"), sep="\t")
print("files", sorted(os.path.join(at, name) for at, _, names in os.walk("down") for name in names), sep="\t")
attempt("downloaded again", lambda: model.download("down"))
print("over it", model.download("down", exist_ok=True), sep="\t")
print("path", Model.get_model_path("registry-model", _workspace=ws), Model.get_model_path("registry-model"), sep="\t")
attempt("no such version", lambda: Model(ws, "registry-model", version=9))
attempt("no such tag", lambda: Model(ws, "registry-model", tags=["nope"]))
attempt("no such file", lambda: Model.register(ws, "nothing.pkl", "registry-model"))
attempt("not a name", lambda: Model.register(ws, "model.txt", "not a name!"))
second.delete()
attempt("deleted", lambda: Model(ws, id=second.id))
print("never again", Model.register(ws, "model.txt", "registry-model").version, sep="\t")

# --- environments, in each way to make one
with open("requirements.txt", "w") as file:
    file.write("# what is needed\njoblib\nnumpy\n")
with open("written.yml", "w") as file:
    file.write(CondaDependencies.create(conda_packages=["numpy"], pip_packages=["joblib"]).serialize_to_string())
from_conda = Environment.from_conda_specification(name="registry-conda", file_path="written.yml")
from_pip = Environment.from_pip_requirements("registry-pip", "requirements.txt")
by_hand = Environment("registry-hand")
by_hand.python.conda_dependencies = CondaDependencies.create(pip_packages=["joblib", "numpy"])
by_hand.environment_variables = {"GREETING": "hello"}
grown = Environment("registry-grown")
grown.python.conda_dependencies.add_pip_package("joblib")
for each in (from_conda, from_pip, by_hand, grown):
    print(each.name, each.register(workspace=ws).version, sep="\t")
print("unchanged", by_hand.register(ws).version, sep="\t")
by_hand.environment_variables = {"GREETING": "good bye"}
print("changed anew", by_hand.register(ws).version, sep="\t")
first = Environment.get(workspace=ws, name="registry-hand", version="1")
print("variables", first.environment_variables, Environment.get(ws, "registry-hand").environment_variables, sep="\t")
print("listed", sorted(Environment.list(workspace=ws)), sep="\t")
print("cloned", first.clone("registry-clone").register(ws).version, sep="\t")
first.save_to_directory("saved", overwrite=True)
print("saved", sorted(os.listdir("saved")), Environment.load_from_directory("saved").name, sep="\t")
mine = Environment("registry-mine")
mine.version = "prod-1"
print("own version", mine.register(ws).version, sep="\t")
mine.environment_variables = {"GREETING": "hello"}
attempt("own version again", lambda: mine.register(ws))
attempt("no such environment", lambda: Environment.get(ws, "nobody"))
attempt("no such environment version", lambda: Environment.get(ws, "registry-hand", version="9"))
attempt("curated", lambda: Environment("AzureML-mine").register(ws))
attempt("image", lambda: first.build(ws))
