"""`make host`: the web service's own host name on Azure, to which the CNAME of a stack with TLS leads.

python -m infra.host_name STACK

It follows only from the stack's file, so DNS can be ready before the first deployment.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import sys
from pathlib import Path

import digits.stack as stack_file
from infra import names


def host_name(file: stack_file.StackFile) -> str:
    """Return the web service's own host name on Azure."""
    location = file.config["azure-native:location"].replace(" ", "").lower()
    place = names.Place(
        subscription_id=str(file.config["azure-native:subscriptionId"]),
        resource_group=str(file.get("resourceGroup") or f"digits-{file.stack}"),
        service_name=str(file.get("serviceName") or f"digits-{file.stack}"),
    )
    return f"{names.dns_name_label(place)}.{location}.azurecontainer.io"


def main() -> int:
    """Print the name and return the exit code: 0 printed, 2 the stack's file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.host_name",
        description="Print the web service's own host name on Azure, to which the CNAME of sslCname leads.",
    )
    parser.add_argument("stack", help="the stack's name")
    try:
        print(host_name(stack_file.read(Path.cwd(), parser.parse_args().stack)))
    except stack_file.StackFileError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
