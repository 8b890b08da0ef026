"""`make logs`: the container log of the stack's web service, also of one whose first deployment failed.

pulumi stack export | python -m infra.logs [--follow] [SERVICE]
"""

import cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from infra import azureml

_SECONDS_BETWEEN_LOOKS = 1


def find_service(exported: str, name: str | None) -> tuple[str, str]:
    """Return workspace and name of the named service, or of the one in the exported state."""
    resources: dict[str, Any] = {
        resource["urn"].rsplit("::", 1)[-1]: resource
        for resource in json.loads(exported)["deployment"].get("resources", [])
    }
    if "workspace" not in resources:
        raise azureml.MissingError("Nothing is deployed in this stack: run `make up` first.")
    workspace = resources["workspace"]
    stack = workspace["urn"].split(":")[2]
    deployed = resources.get("webservice", {}).get("inputs", {}).get("name")
    return workspace["id"], name or deployed or f"digits-{stack}"


def follow(read: Callable[[], str], wait: Callable[[], None]) -> Iterator[str]:
    """Yield the log, then what is new in it, for ever; a log that began anew is yielded whole."""
    shown: list[str] = []
    while True:
        lines = read().splitlines()
        # Only the log's last lines can be asked for, so the first of those seen may be gone by now.
        kept = next((at for at in range(len(shown) + 1) if lines[: len(shown) - at] == shown[at:]), len(shown))
        yield from lines[len(shown) - kept :]
        shown = lines
        wait()


def main() -> None:
    """Print the log."""
    parser = argparse.ArgumentParser(prog="python -m infra.logs", description=__doc__)
    parser.add_argument("service", nargs="?", help="its name; default: the stack's")
    parser.add_argument("--follow", action="store_true", help="go on with what is new, until Ctrl-C")
    arguments = parser.parse_args()
    workspace, name = find_service(sys.stdin.read(), arguments.service)
    if not arguments.follow:
        print(azureml.service_log(workspace, name))
        return
    for line in follow(lambda: azureml.service_log(workspace, name), lambda: time.sleep(_SECONDS_BETWEEN_LOOKS)):
        print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except azureml.AzureMLError as error:
        sys.exit(f"error: {error}")
