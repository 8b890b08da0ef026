"""Adopts, deploys and reads a web service as the program does, and says what it finds; see test_fingerprint.py."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from infra import azureml, webservice  # noqa: E402 - found only now
from infra.service_definition import ServiceDefinition  # noqa: E402

PROVIDER = webservice.WebserviceProvider()
what, inputs = sys.argv[1], json.loads(sys.argv[2])
if what == "adopt":
    PROVIDER.create(inputs)
elif what == "deploy":
    entry_script = (ROOT / "tests/integration/entry_scripts/echo.py").read_bytes()
    service, identity = ServiceDefinition.from_inputs(inputs), webservice.fingerprint(inputs)
    webservice.deploy(service, inputs, identity, {"score.py": entry_script}, lambda _line: None)
found = azureml.find_service(inputs["workspaceId"], inputs["name"])
assert found is not None
read = PROVIDER.read(inputs["name"], inputs | {"fingerprint": webservice.fingerprint(inputs)}).outs
print(json.dumps({"fingerprint": found.fingerprint, "stack": found.stack, "tags": found.tags, "read": read}))
