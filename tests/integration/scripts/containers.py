# ruff: noqa: ANN001, ANN201, BLE001, D103, B023, PTH103, PTH123 - as users write it
# mypy: ignore-errors
"""What users of the SDK put into a container, in one environment: models where the SDK looks, a private wheel."""

import json
import os
import sys
import zipfile

from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import AciWebservice

PYTHON = sys.argv[1]
PYPI, _ = (".".join(parts) for parts in (("pypi", "org"), ("pypi", "python", "org")))
SCORE = """
import json, os
from azureml.core.model import Model

def init():
    global found
    import greeting
    models = os.environ["AZUREML_MODEL_DIR"]
    found = {
        "by name": Model.get_model_path("forest"),
        "by version": Model.get_model_path("forest", version=1),
        "folder": None,
        "model dir": os.path.relpath(models, os.environ["AML_APP_ROOT"]),
        "greeting": greeting.WORDS,
        "odd": os.environ["ODD"],
        "names": [os.environ["SERVICE_NAME"], os.environ["WORKSPACE_NAME"]],
        "working directory": os.getcwd() == os.environ["AML_APP_ROOT"],
        "script": os.path.basename(__file__),
    }
    if os.environ["COUNT"] == "2":
        found["folder"] = sorted(os.listdir(os.path.join(Model.get_model_path("folder"), "inside")))
    for key in ("by name", "by version"):
        with open(found[key]) as file:
            found[key] = file.read()

def run(raw):
    return found
"""


def attempt(call):
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def tell(name, value):
    print()  # the SDK leaves its progress line open
    print(name, json.dumps(value), sep="\t", flush=True)


os.makedirs("src", exist_ok=True)
os.makedirs("folder/inside", exist_ok=True)
for path, text in {
    "src/score.py": SCORE,
    "forest.txt": "first",
    "folder/inside/a.txt": "a",
    "folder/inside/b.txt": "b",
}.items():
    with open(path, "w") as file:
        file.write(text)
with zipfile.ZipFile("greeting-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("greeting.py", "WORDS = 'hello from a wheel'\n")
    wheel.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    wheel.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("greeting-1.0.dist-info/RECORD", "greeting.py,,\n")

ws = Workspace.from_config()
forest = Model.register(ws, "forest.txt", "forest")
folder = Model.register(ws, "folder", "folder")

# --- a private wheel, uploaded three times
first = Environment.add_private_pip_wheel(ws, "greeting-1.0-py3-none-any.whl")
tell("twice", attempt(lambda: Environment.add_private_pip_wheel(ws, "greeting-1.0-py3-none-any.whl")))
again = Environment.add_private_pip_wheel(ws, "greeting-1.0-py3-none-any.whl", exist_ok=True)
tell("wheel", [first.rpartition("/")[2], again.rpartition("/")[2], "?" in first + again])

# --- an environment as CondaDependencies.create makes it: a patch of Python, PyPI's own index, nothing pinned
env = Environment("containers")
env.python.conda_dependencies = CondaDependencies.create(
    python_version=PYTHON,
    pip_indexurl=f"https://{PYPI}/simple",
    pip_packages=["azureml-defaults", "numpy", "joblib", "scikit-learn", again],
    pin_sdk_version=False,
)
env.environment_variables = {"COUNT": "1", "ODD": "a=b 'c' \"d\" $HOME\n# ä ☃"}
configuration = AciWebservice.deploy_configuration(cpu_cores=0.5, memory_gb=1)


def deploy(name, models, config):
    service = Model.deploy(ws, name, models, config, configuration, overwrite=True)
    service.wait_for_deployment(show_output=True)
    return service.run("x")


inference_config = InferenceConfig(entry_script="score.py", source_directory="src", environment=env)
tell("one", attempt(lambda: deploy("one-model", [forest], inference_config)))
tell("first line", ws.webservices["one-model"].get_logs().splitlines()[0])
env.environment_variables["COUNT"] = "2"
tell("two", attempt(lambda: deploy("two-models", [forest, folder], inference_config)))

# --- the same Environment object, which keeps AZUREML_SOURCE_DIRECTORY, for a script by itself
with open("single.py", "w") as file:
    file.write("import os\n" + SCORE)
tell("left over", env.environment_variables["AZUREML_SOURCE_DIRECTORY"])
tell(
    "single", attempt(lambda: deploy("script-single", [forest, folder], InferenceConfig("single.py", environment=env)))
)

# --- what there is no image for
for name, change in {
    "dockerfile": {"base_dockerfile": "FROM ubuntu\nRUN apt-get install libgomp1", "base_image": None},
    "image": {"base_image": "example.azurecr.io/own:1"},
}.items():
    other = env.clone("other")
    for field, value in change.items():
        setattr(other.docker, field, value)
    config = InferenceConfig(entry_script="score.py", source_directory="src", environment=other)
    tell(name, attempt(lambda: deploy("no-image", [forest], config)))

# --- the way before there were environments
with open("src/quick.py", "w") as file:
    file.write("def init(): pass\ndef run(raw): return 'quick'\n")
with open("src/steps.txt", "w") as file:
    file.write("RUN apt-get install libgomp1\n")
for name, parts in {"old": {}, "steps": {"extra_docker_file_steps": "steps.txt"}}.items():
    config = InferenceConfig("quick.py", source_directory="src", runtime="python", conda_file="../conda.yml", **parts)
    tell(name, attempt(lambda: deploy("old-way", [], config)))
