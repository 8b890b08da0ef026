"""`make logs`: the container log of the stack's web service, also of one whose first deployment failed.

pulumi stack export | python -m infra.logs [SERVICE]
"""

import json
import sys
from typing import Any

from infra import azureml


def main(arguments: list[str], exported: str) -> str:
    """Return the log of the named service, or of the one in the exported state."""
    resources: dict[str, Any] = {
        resource["urn"].rsplit("::", 1)[-1]: resource
        for resource in json.loads(exported)["deployment"].get("resources", [])
    }
    if "workspace" not in resources:
        raise azureml.MissingError("Nothing is deployed in this stack: run `make up` first.")
    workspace = resources["workspace"]
    stack = workspace["urn"].split(":")[2]
    deployed = resources.get("webservice", {}).get("inputs", {}).get("name")
    return azureml.service_log(workspace["id"], *arguments or [deployed or f"digits-{stack}"])


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:], sys.stdin.read()))
    except azureml.AzureMLError as error:
        sys.exit(f"error: {error}")
