"""What else people write with the SDK: every way to a workspace, all arguments, each update, and the usual mistakes."""

from collections.abc import Iterator

import pytest

from tests.integration.scripting import Scripts
from tests.integration.wire import Emulator

_REGISTRY = {
    "same workspace": ["True"],
    "model": ["registry-model:1", "ScikitLearn", "1.9", "not a model at all"],
    "by name": ["['registry-model:2', 'registry-model:1']"],
    "by tag": ["['registry-model:1']", "['registry-model:2', 'registry-model:1']"],
    "by property": ["['registry-model:1']"],
    "latest": ["['registry-folder:1', 'registry-model:2', 'registry-part:1']"],
    "of no run": ["[]"],
    "versions": ["2", "1"],
    "tagged": ["1", "1"],
    "changed": [
        "{'checked': 'yes', 'k': 'v'}",
        "{'made': 'here', 'more': 'properties'}",
        "described anew",
        "{'cpu': 2.0, 'memoryInGB': 1.0, 'gpu': None}",
    ],
    "serialized": ["ScikitLearn", "registry-model"],
    "downloaded": ["down/model.txt", "down/folder", "down2/folder/deep/b.txt"],
    "files": ["['down/folder/a.txt', 'down/folder/deep/b.txt', 'down/model.txt']"],
    "over it": ["down/model.txt"],
    "path": ["azureml-models/registry-model/2/model.txt"] * 2,
    "never again": ["3"],
    "registry-conda": ["1"],
    "registry-pip": ["1"],
    "registry-hand": ["1"],
    "registry-grown": ["1"],
    "unchanged": ["1"],
    "changed anew": ["2"],
    "variables": ["{'GREETING': 'hello'}", "{'GREETING': 'good bye'}"],
    "listed": ["['registry-conda', 'registry-grown', 'registry-hand', 'registry-pip']"],
    "cloned": ["1"],
    "saved": ["['azureml_environment.json', 'conda_dependencies.yml']", "registry-hand"],
    "own version": ["prod-1"],
}
_OPTIONS = {
    "configured": ["0.5", "0.75", "{'data': 'none'}", "{'made': 'here'}", "all arguments"],
    "switched": ["True", "False", "True", "westeurope"],
    "keys": ["True"],
    "answer": ["True", "sibling", "['first.txt', 'second.txt']"],
    "log": ["True", "2"],
    "sized": ["[0.5, 0.5]"],
    "printed": ["True", "options-second"],
    "swagger": ["[401, 200]"],
    "traceback": ["True"],
    "set key": ["third-key-of-the-user-s-own", "401"],
    "by model": ["['options-one']"],
    "by model id": ["['options-one']"],
    "by tag": ["['options-one']"],
    "of another kind": ["[]", "['options-one']"],
    "replaced": ["{}", "None", "False", "True"],
    "one model": ["['second.txt']"],
    "read": ["{'c': 'd'}", "{'made': 'here', 'more': 'properties'}", "changed", "True"],
    "updated": ["single", "True", "{'e': 'f'}", "['options-second:1']"],
    "without key": ["401"],
    "left": ["[]"],
}
_MISTAKES = {
    "good": ["good"],
    "state": ["Failed", "AciDeploymentFailed", "True"],
    "good again": ["Healthy", "None", "good"],
    "last": ["Healthy", "good"],
}
_SEEN = {"registry": _REGISTRY, "service_options": _OPTIONS, "mistakes": _MISTAKES}

# (script, what was tried, the exception, a part of its text)
_REFUSED = [
    ("registry", "no such workspace", "ProjectSystemException", "Workspace not found."),
    ("registry", "no config", "UserErrorException", "config.json, could not be found"),
    ("registry", "downloaded again", "WebserviceException", "File already exists."),
    ("registry", "no such version", "WebserviceException", "Model with id registry-model:9 not found"),
    ("registry", "no such tag", "WebserviceException", "Model with name registry-model, tags ['nope'] not found"),
    ("registry", "no such file", "FileNotFoundError", "Path does not exist"),
    ("registry", "not a name", "WebserviceException", "provided model name is invalid"),
    ("registry", "deleted", "WebserviceException", "Model with id registry-model:2 not found"),
    ("registry", "own version again", "Exception", "version prod-1 is already registered and cannot be changed."),
    ("registry", "no such environment", "Exception", "Environment nobody is not registered"),
    ("registry", "no such environment version", "Exception", "Environment registry-hand with version 9 is not"),
    ("registry", "curated", "Exception", "can not start with the prefix AzureML"),
    ("registry", "image", "Exception", "The emulator does not do POST /environment/"),
    ("service_options", "failing row", "WebserviceException", "error occurred in scoring script. Check the logs"),
    ("service_options", "not text", "WebserviceException", "error occurred in scoring script. Check the logs"),
    ("service_options", "token", "NotImplementedError", "do not support Token Authentication"),
    ("service_options", "no such key", "WebserviceException", "Valid options are: Primary, Secondary"),
    ("service_options", "no such kind", "WebserviceException", 'Invalid compute type "LAPTOP"'),
    ("service_options", "taken", "WebserviceException", "Service options-one with the same name already exists"),
    ("service_options", "nothing to change", "WebserviceException", "No parameters provided to update"),
    ("service_options", "models without code", "WebserviceException", 'both "models" and "inference_config" inputs'),
    ("service_options", "log of nobody", "WebserviceException", "Service with name options-one not found"),
    ("service_options", "keys of nobody", "WebserviceException", "Service with name options-one not found"),
    ("service_options", "update of nobody", "WebserviceException", "Service with name options-one not found"),
    ("service_options", "state of nobody", "WebserviceException", "WebserviceNotFound"),
    ("service_options", "nobody", "WebserviceException", "WebserviceNotFound"),
    ("mistakes", "no run", "WebserviceException", "does not have a run() function defined, please run print(service"),
    ("mistakes", "import", "WebserviceException", "Error in entry script, ModuleNotFoundError: No module named"),
    ("mistakes", "no such script", "WebserviceException", "entry_script nothing.py doesn't exist"),
    ("mistakes", "no such folder", "WebserviceException", "doesn't exist"),
    ("mistakes", "no such release", "WebserviceException", "there is no version of joblib==0.0.99"),
    ("mistakes", "no such conda file", "FileNotFoundError", "nothing.yml"),
    ("mistakes", "an image's packages", "WebserviceException", "userManagedDependencies is not supported"),
    ("mistakes", "no environment", "WebserviceException", "with an InferenceConfig that has an environment"),
    ("mistakes", "deleted model", "WebserviceException", "Model with id mistakes-model:1 not found."),
    ("mistakes", "no model", "WebserviceException", "ModelNotFound: Model with name mistakes-modle not found"),
    ("mistakes", "no service", "WebserviceException", "WebserviceNotFound"),
    ("mistakes", "short name", "WebserviceException", "between 3 and 32 characters long"),
    ("mistakes", "taken", "WebserviceException", "Service mistake-import with the same name already exists"),
    ("mistakes", "cluster", "WebserviceException", "The emulator runs web services of compute type ACI, not AKS."),
    ("mistakes", "image", "WebserviceException", "The emulator does not do POST /modelmanagement/"),
    ("mistakes", "deleted meanwhile", "WebserviceException", "WebserviceNotFound"),
    ("mistakes", "deleted elsewhere", "WebserviceException", "WebserviceNotFound"),
]


@pytest.fixture(scope="module")
def scripts(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    """Give what runs a script."""
    scripts = Scripts(emulator, tmp_path_factory)
    yield scripts
    scripts.close()


@pytest.mark.parametrize("name", _SEEN)
def test_a_script_shows_what_it_shows_on_azure(scripts: Scripts, name: str) -> None:
    """Each value that it prints."""
    printed = scripts.printed(name)
    assert {line: printed.get(line) for line in _SEEN[name]} == _SEEN[name]


@pytest.mark.parametrize(("name", "tried", "exception", "text"), _REFUSED)
def test_a_mistake_is_the_sdk_s_own_exception(
    scripts: Scripts, name: str, tried: str, exception: str, text: str
) -> None:
    """What was wrong stands in it, and no object's representation does."""
    seen, message = scripts.printed(name)[tried]
    assert seen == exception
    assert text in message
    assert " object at 0x" not in message


def test_a_model_in_use_is_kept_and_its_services_are_named(scripts: Scripts) -> None:
    """Of what model management answers, the SDK prints only the correlation as text: the sentence is there too."""
    exception, message = scripts.printed("service_options")["model in use"]
    assert exception == "WebserviceException"
    assert "is currently being used by the services: options-one. Delete them first." in message
    assert " object at 0x" not in message


def test_what_is_about_azure_s_network_and_vaults_is_kept_and_has_no_effect(scripts: Scripts) -> None:
    """A virtual network, a customer's own key, a DNS label, data collection: the service answers all the same."""
    printed = scripts.printed("service_options")
    assert printed["kept"] == [
        "{'vnetName': 'a-network', 'subnetName': 'a-subnet'}",
        "{'vaultBaseUrl': 'https://vault.invalid', 'keyName': 'a-key', 'keyVersion': '1'}",
    ]
    assert printed["answer"][0] == "True"
