"""A user's mistake is one sentence that names the fix: no traceback, nothing lost."""

import re

import pytest

from tests.engine.project import Project

# What is set together is refused together, and each has its sentence.
MISTAKES: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "values out of range": (
        {
            "minimumAccuracy": "95",
            "serviceName": "Digits_Dev",
            "serviceCpuCores": "64",
            "evaluationDataset": "letters",
            "serviceTags": {"data": 1},
        },
        (
            "write 0.95 in Pulumi.dev.yaml",
            "3 to 32 lower-case letters",
            "ACI takes 0.1 to 3.8",
            "write digits or mnist, or the path of",
            "write names and texts",
        ),
    ),
    "values that have no meaning": (
        {"minimumAccuracy": "high", "serviceTags": {"pulumi-fingerprint": "1"}, "cloud": "aws"},
        ("write a fraction such as 0.9", "choose another name", "write emulator or azure"),
    ),
    "a wrong type": ({"authEnabled": "perhaps"}, ("must be of type 'boolean'",)),
    "a column of data that have none": ({"evaluationLabelColumn": "class"}, ("which has no columns: leave it out",)),
    "a directory of data that need none": (
        {"evaluationDirectory": "mnist"},
        ("which is read from no directory: leave it out",),
    ),
    "a stack of the other cloud": ({"cloud": "azure"}, ("run it in a new shell",)),
    "a model that is not there": ({"modelFile": "model/none.pkl"}, ("make model",)),
}

# How each is refused in words: tests/unit/test_scoring_package.py and test_conda_file.py.
FILES = {
    "an entry script with a syntax error": ("scoring/score.py", "def init(:\n", "scoring/score.py, line 1"),
    "a conda file without dependencies": ("scoring/conda.yml", "name: x\n", "scoring/conda.yml"),
}

LIVE_SCRIPTS = {
    "an import that conda.yml lacks": ("import pandas\n", "No module named 'pandas'"),
    "an init() that raises": (
        'def init(): raise RuntimeError("no weights today")\ndef run(raw): return []\n',
        "no weights today",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_configuration_is_one_sentence(project: Project, mistake: str) -> None:
    """The preview refuses it before the first call."""
    values, sentences = MISTAKES[mistake]
    project.configure(**values)
    refused = project.pulumi("preview", check=False)
    assert refused.returncode != 0
    said = " ".join((refused.stdout + refused.stderr).split())
    for sentence in sentences:
        assert sentence in said
    assert "Traceback" not in said


def test_missing_configuration_is_named(project: Project) -> None:
    """For a stack without a subscription, the error names the key to set."""
    project.write(
        "Pulumi.dev.yaml",
        project.read("Pulumi.dev.yaml").replace(
            "  azure-native:subscriptionId: 00000000-0000-0000-0000-000000000001\n", ""
        ),
    )
    refused = project.pulumi("preview", check=False)
    assert "azure-native:subscriptionId is missing" in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_cannot_be_deployed_is_refused_in_the_preview(project: Project, file: str) -> None:
    """File and reason are said before anything is deployed."""
    name, text, sentence = FILES[file]
    project.write(name, text)
    refused = project.pulumi("preview", check=False)
    assert refused.returncode != 0
    assert sentence in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.parametrize("mistake", LIVE_SCRIPTS)
def test_a_container_that_does_not_start_shows_its_last_log_lines(project: Project, mistake: str) -> None:
    """The deployment fails with the reason and the end of the container's log, and names both ways out; both work."""
    lines, sentence = LIVE_SCRIPTS[mistake]
    score = project.read("scoring/score.py")
    project.write("scoring/score.py", score + "\n" + lines)
    failed = project.up(check=False)
    assert failed.status != 0
    assert sentence in failed.printed
    assert "pulumi up --refresh" in failed.printed
    assert sentence in project.run("make", "-s", "logs").stdout
    if mistake.startswith("an import"):
        project.restore()
        repaired = project.up("--refresh")
    else:
        project.write("scoring/score.py", score + "# fixed\n")
        repaired = project.up()
    assert {"webservice": "update", "release": "update"}.items() <= repaired.operations.items()
    project.pulumi("preview", "--expect-no-changes")


def test_a_conda_file_that_cannot_be_solved_names_the_package(project: Project) -> None:
    """The resolver's reason reaches the terminal, and the live service goes on answering."""
    project.write("scoring/conda.yml", project.read("scoring/conda.yml").replace("joblib==1.6.0", "joblib==99.0"))
    failed = project.up(check=False)
    assert failed.status != 0
    assert "joblib==99.0" in failed.printed


def test_another_account_s_login_is_refused_before_the_first_call(project: Project) -> None:
    """A stack of Azure says which subscription and tenant it would touch, and by what the shell is another's."""
    ours, other = "11111111-0000-0000-0000-000000000002", "33333333-0000-0000-0000-000000000002"
    project.configure(cloud="azure")
    project.write(
        "Pulumi.dev.yaml", re.sub("00000000(-0000){3}-00000000000[1a]", ours, project.read("Pulumi.dev.yaml"))
    )
    preview = ("pulumi", "preview", "--non-interactive")
    refused = project.run(
        "env", "-u", "AZUREML_EMULATOR", *preview, check=False, variables={"ARM_SUBSCRIPTION_ID": other}
    )
    touched = f"Stack 'dev' touches subscription {ours} of tenant {ours}"
    assert f"{touched}, but ARM_SUBSCRIPTION_ID is {other}: unset it" in refused.stdout
    assert "azure-native:" not in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_shell_that_does_not_point_at_the_emulator_gets_the_command(project: Project) -> None:
    """The dev stack never reaches for Azure by accident."""
    refused = project.run("env", "-u", "AZUREML_EMULATOR", "pulumi", "preview", "--non-interactive", check=False)
    assert "make -s env" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_stopped_emulator_is_named(project: Project) -> None:
    """A preview that would change something says what does not answer and how to start it."""
    project.python("-m", "emulator", "stop")
    try:
        project.configure(serviceTags={"data": "MNIST"})
        failed = project.up(check=False)
        assert failed.status != 0
        assert "make emulator" in failed.printed or "azureml-emulator start" in failed.printed
        assert "Traceback" not in failed.printed
    finally:
        project.python("-m", "emulator", "start")


def test_a_second_up_while_one_runs_is_refused(project: Project) -> None:
    """The state is locked by the first; the second says so and changes nothing."""
    lock = project.directory / ".state/.pulumi/locks/organization/digits/dev/another.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text('{"pid": 1, "username": "somebody", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}')
    try:
        refused = project.pulumi("up", "--yes", "--skip-preview", check=False)
        assert refused.returncode != 0
        assert "locked" in refused.stdout + refused.stderr
    finally:
        lock.unlink()
