"""Resource providers: which types each has, and in which regions."""

from starlette.responses import JSONResponse, Response

from emulator.arm.documents import Call
from emulator.arm.types import TYPES
from emulator.http.errors import NotFoundError

# The regions of the public cloud, as the SDK's Workspace.create looks them up; ARM's other calls take any location.
_REGIONS = (
    "australiaeast",
    "australiasoutheast",
    "brazilsouth",
    "canadacentral",
    "canadaeast",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "koreacentral",
    "koreasouth",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "southindia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "ukwest",
    "westcentralus",
    "westeurope",
    "westindia",
    "westus",
    "westus2",
    "westus3",
)


def read(call: Call) -> Response:
    """Return the resource provider of this namespace; all of ours are registered."""
    wanted = call.params["namespace"].lower()
    found = [arm_type.name.split("/") for arm_type in TYPES if arm_type.name.lower().startswith(f"{wanted}/")]
    if not found:
        message = f"The resource namespace '{call.params['namespace']}' is invalid."
        raise NotFoundError(message, code="InvalidResourceNamespace")
    namespace = found[0][0]
    return JSONResponse(
        {
            "id": f"/subscriptions/{call.params['subscription']}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": "Registered",
            "resourceTypes": [{"resourceType": name, "locations": _REGIONS, "apiVersions": []} for _, name in found],
        }
    )
