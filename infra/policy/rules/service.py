"""The web service must be locked, encrypted, labelled and small."""

from collections.abc import Iterator

from rules.rule import Finding, Kind, Resource, Rule

WEBSERVICE = Kind("pulumi-python:dynamic/azureml:Webservice", "Web service", "name")


def _authentication(service: Resource) -> Iterator[str]:
    if service.inputs.get("authEnabled") is not True:
        yield "answers anyone who asks, without a key (authEnabled is not true)"


def _tls(service: Resource) -> Iterator[str]:
    if service.inputs.get("sslEnabled") is not True:
        yield "sends keys and images over plain HTTP (sslEnabled is not true)"


def _tags(service: Resource) -> Iterator[str]:
    tags = service.inputs.get("tags") or {}
    missing = [name for name in service.settings["tags"] if not tags.get(name)]
    if missing:
        yield f"has no {' and no '.join(missing)} among its tags"


# Input, unit, the policy's limit, the stack's setting.
_SIZES = (
    ("cpuCores", "cores", "maximumCpuCores", "serviceCpuCores"),
    ("memoryGb", "GB", "maximumMemoryGb", "serviceMemoryGb"),
)


def _size(service: Resource) -> Iterator[Finding]:
    for name, unit, limit, setting in _SIZES:
        asked, most = service.inputs[name], service.settings[limit]
        if asked > most:
            yield Finding(
                f"asks for {asked:g} {unit} ({limit} is {most:g})",
                f'write `digits:{setting}: "{most:g}"` or less in Pulumi.{service.stack}.yaml, '
                f"or raise {limit} of size-limited in infra/policy/config/{service.stack}.json",
            )


RULES = (
    Rule(
        "authentication-on",
        "A web service answers only callers that have a key.",
        WEBSERVICE,
        _authentication,
        "write `digits:authEnabled: true` in Pulumi.{stack}.yaml",
    ),
    Rule(
        "tls-on",
        "A web service is reached only over TLS.",
        WEBSERVICE,
        _tls,
        "write `digits:sslEnabled: true` in Pulumi.{stack}.yaml",
    ),
    Rule(
        "tags-present",
        "A web service says whose it is, what it was trained on and which model it runs.",
        WEBSERVICE,
        _tags,
        "add them to digits:serviceTags in Pulumi.{stack}.yaml, as in `{{owner: vision-team}}`",
        {
            "tags": {
                "type": "array",
                "items": {"type": "string"},
                "default": ["owner", "data", "model"],
                "description": "Tags that must be there and not be empty.",
            }
        },
    ),
    Rule(
        "size-limited",
        "A web service is no larger than the stack may pay for.",
        WEBSERVICE,
        _size,
        f"write a smaller {' or '.join(f'digits:{setting}' for *_, setting in _SIZES)} in Pulumi.{{stack}}.yaml, "
        "or raise the limit in infra/policy/config/{stack}.json",
        {
            "maximumCpuCores": {"type": "number", "default": 2, "description": "The most CPU cores."},
            "maximumMemoryGb": {"type": "number", "default": 4, "description": "The most memory, in GB."},
        },
    ),
)
