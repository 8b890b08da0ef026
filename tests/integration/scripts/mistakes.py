# ruff: noqa: ANN001, ANN201, BLE001, D100, D103, PTH123 - as users write it
# mypy: ignore-errors
from azureml.core import Environment, Model, Webservice, Workspace
from azureml.core.image import ContainerImage
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, AksWebservice


def attempt(name, call):
    try:
        call()
    except Exception as error:
        print()  # the SDK leaves its progress line open
        print(name, type(error).__name__, " ".join(str(error).split()), sep="\t")
    else:
        print(name, "went well", sep="\t")


ws = Workspace.from_config()
env = Environment.from_conda_specification("mistakes-env", "conda.yml")
configuration = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
GOOD = "def init():\n    pass\n\n\ndef run(raw_data):\n    return 'good'\n"


def config(code, environment=env):
    with open("score.py", "w") as file:
        file.write(code)
    return InferenceConfig(entry_script="score.py", environment=environment.clone(environment.name))


def deploy(name, code=GOOD, models=(), environment=env):
    service = Model.deploy(ws, name, list(models), config(code, environment), configuration)
    service.wait_for_deployment()
    return service


# --- the entry script
attempt("no run", lambda: deploy("mistake-run", "def init():\n    pass\n"))
good = deploy("mistake-import")
print("good", good.run("{}"), sep="\t")
good.update(inference_config=config("import nothing_such\n" + GOOD))
attempt("import", good.wait_for_deployment)
print("state", good.state, good.error["code"], "No module named 'nothing_such'" in good.get_logs(), sep="\t")
good.update(inference_config=config(GOOD))
good.wait_for_deployment()
print("good again", good.state, good.error, good.run("{}"), sep="\t")
attempt("no such script", lambda: InferenceConfig(entry_script="nothing.py", environment=env))
attempt("no such folder", lambda: InferenceConfig(entry_script="score.py", source_directory="no", environment=env))

# --- the environment
with open("release.yml", "w") as file:
    file.write("dependencies:\n- python=3.11\n- pip:\n  - joblib==0.0.99\n")
release = Environment.from_conda_specification("release", "release.yml")
attempt("no such release", lambda: deploy("mistake-release", environment=release))
attempt("no such conda file", lambda: Environment.from_conda_specification("mistakes", "nothing.yml"))
of_an_image = Environment("image")
of_an_image.python.user_managed_dependencies = True
attempt("an image's packages", lambda: deploy("mistake-image", environment=of_an_image))
attempt("no environment", lambda: Model.deploy(ws, "mistake-env", [], InferenceConfig("score.py"), configuration))

# --- models and names
with open("model.txt", "w") as file:
    file.write("a model")
model = Model.register(ws, "model.txt", "mistakes-model")
model.delete()
attempt("deleted model", lambda: deploy("mistake-model", models=[model]))
attempt("no model", lambda: Model(ws, "mistakes-modle"))
attempt("no service", lambda: Webservice(ws, "mistake-nobody"))
attempt("short name", lambda: deploy("ab"))
attempt("taken", lambda: deploy("mistake-import"))

# --- what only Azure has
attempt("cluster", lambda: Model.deploy(ws, "mistake-aks", [], config(GOOD), AksWebservice.deploy_configuration()))
image = ContainerImage.image_configuration("score.py", "python", conda_file="conda.yml")
attempt("image", lambda: Webservice.deploy_from_model(ws, "mistake-old", [], image, configuration))

# --- two at a time, and gone meanwhile
slow = config("import time\n\n\ndef init():\n    time.sleep(1)\n\n\ndef run(raw_data):\n    return 'slow'\n")
first = Model.deploy(ws, "mistake-twice", [], slow, configuration)
second = Model.deploy(ws, "mistake-twice", [], config(GOOD), configuration, overwrite=True)
for each in (first, second):
    each.wait_for_deployment()
print("last", second.state, second.run("{}"), sep="\t")
second.update(auth_enabled=True)
second.delete()
attempt("deleted meanwhile", second.wait_for_deployment)
attempt("deleted elsewhere", first.update_deployment_state)
for each in Webservice.list(ws):
    each.delete()
