"""`azureml-emulator workspace`: how a script that only has the SDK comes to its first workspace."""

from tests.integration.wire import SUBSCRIPTION, Emulator

_ARGUMENTS = ("workspace", "first-ws", "--resource-group", "first")
_SCRIPT = """
from azureml.core import Workspace

at = {"subscription_id": "%s", "resource_group": "first"}
print("there:", Workspace.get("first-ws", **at).location)
try:
    Workspace.create("second-ws", location="eastus", **{**at, "resource_group": "second"})
except Exception as error:
    print("refused:", error)
"""


def test_a_workspace_is_made_once_and_the_sdk_finds_it(own_emulator: Emulator) -> None:
    """A second time changes nothing; what refuses Workspace.create names the command, and its group stays."""
    own_emulator.start()
    first, again = own_emulator.command(*_ARGUMENTS), own_emulator.command(*_ARGUMENTS)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "is there now" in first.stdout
    assert "was there already" in again.stdout
    script = own_emulator.state / "script.py"
    script.write_text(_SCRIPT % SUBSCRIPTION, encoding="utf-8")
    said = own_emulator.run(script, directory=own_emulator.state)
    assert "there: eastus" in said.stdout, said.stderr
    assert "azureml-emulator workspace" in said.stdout
    with own_emulator.client() as client:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/second"
        assert client.head(group, params={"api-version": "2022-09-01"}).status_code == 204


def test_a_bad_name_and_an_emulator_that_does_not_run_are_one_sentence(own_emulator: Emulator) -> None:
    """Neither shows a traceback."""
    own_emulator.start()
    refused = own_emulator.command("workspace", "a b", "--resource-group", "first")
    own_emulator.stop()
    for done in (refused, own_emulator.command(*_ARGUMENTS)):
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert "'a b' is invalid" in refused.stderr
