"""The web service's own host name on Azure, to which the CNAME of a stack with TLS leads.

It follows only from the stack's file, so DNS can be ready before the first deployment.
"""

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
