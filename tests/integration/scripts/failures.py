# ruff: noqa: ANN001, ANN201, BLE001, D103, PTH103, PTH123 - as users write it
# mypy: ignore-errors
"""What a user of the SDK sees when something is wrong."""

import os

from azureml.core import Environment, Experiment, Workspace
from azureml.core.model import InferenceConfig, Model
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
env = Environment.from_conda_specification("failing-env", "conda.yml")
os.makedirs("scoring", exist_ok=True)
configuration = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)


def deploy(name, code):
    with open("scoring/score.py", "w") as file:
        file.write(code)
    inference_config = InferenceConfig(entry_script="score.py", source_directory="scoring", environment=env)
    service = Model.deploy(ws, name, [], inference_config, configuration)
    service.wait_for_deployment(show_output=True)


attempt("syntax", lambda: deploy("sdk-syntax", "def init()\n    pass\n"))
attempt(
    "init",
    lambda: deploy("sdk-init", "def init():\n    raise ValueError('upside down')\n\ndef run(raw):\n    return raw\n"),
)
service = AciWebservice(ws, "sdk-init")
print("state", service.state, service.error["code"], "upside down" in service.get_logs(), sep="\t")
attempt("name", lambda: deploy("Not_A_Name", "def init():\n    pass\n\ndef run(raw):\n    return raw\n"))
attempt("taken", lambda: deploy("sdk-init", "def init():\n    pass\n\ndef run(raw):\n    return raw\n"))
attempt("environment", lambda: Environment.get(ws, "nobody"))
attempt("model", lambda: Model(ws, "nobody"))
attempt("model id", lambda: Model(ws, id="nobody:1"))
attempt(
    "workspace", lambda: Workspace.get("nobody", subscription_id=ws.subscription_id, resource_group=ws.resource_group)
)
attempt("unknown", lambda: Experiment(ws, "first").start_logging())
service.delete()
