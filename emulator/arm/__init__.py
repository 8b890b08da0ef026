"""Azure Resource Manager: subscriptions, resource groups, and the resources that an Azure ML workspace needs."""

import re
from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.arm import providers
from emulator.arm.documents import Call
from emulator.arm.groups import Groups
from emulator.arm.resources import Resources
from emulator.arm.subscriptions import Subscriptions, describe
from emulator.arm.types import TYPES
from emulator.http import json_body
from emulator.http.errors import BadRequestError
from emulator.http.routing import Fields, ignore_case
from emulator.store import Store

# (area, what Azure does, what the emulator does, the test that holds it true)
DIFFERENCES = [
    (
        "ARM",
        "A subscription is made in the portal, with an owner and a bill; roles say what a caller may do in it.",
        "It exists once a start asks for it with `--subscription`; every caller may do everything in it.",
        "tests/integration/test_subscriptions.py::test_a_subscription_exists_once_it_was_asked_for",
    ),
    (
        "ARM",
        "Creates and deletes answer 202 and a URL to poll.",
        "They answer 200 or 201 when all is done: nothing here takes time.",
        "tests/integration/test_arm.py::test_a_resource_is_complete_in_the_answer_to_its_put",
    ),
    (
        "ARM",
        "An api-version must be one that the resource type has; answers differ between versions.",
        "Any date is taken, and all versions answer alike.",
        "tests/integration/test_arm.py::test_any_well_formed_api_version_is_taken",
    ),
    (
        "ARM",
        "A location must be a region that offers the resource type.",
        "Any location is taken.",
        "tests/integration/test_arm.py::test_any_location_is_taken_and_written_without_spaces",
    ),
    (
        "ARM",
        "Properties are checked against the resource type's schema.",
        "They are kept as sent; only names and links to other resources are checked.",
        "tests/integration/test_arm.py::test_unknown_properties_are_kept_as_sent",
    ),
    (
        "ARM",
        "Filters also have startswith, plan/…, identity/principalId and others; $expand adds times to a list.",
        "Another filter than eq, ne, and, or, brackets and substringof is a 400; $expand is taken and adds nothing.",
        "tests/integration/test_arm.py::test_a_filter_that_is_not_understood_is_400",
    ),
    (
        "ARM",
        "A deleted key vault or workspace is kept for some days, can be recovered, and holds its name.",
        "It is gone at once and its name is free.",
        "tests/integration/test_arm.py::test_a_deleted_vault_is_gone_and_its_name_is_free",
    ),
    (
        "ARM",
        "Storage accounts, key vaults and registries get host names that answer.",
        "Their host names end in .invalid: only the resources exist, not the services behind them.",
        "tests/integration/test_arm.py::test_no_host_name_leads_to_the_real_azure",
    ),
    (
        "ARM",
        "Storage account, key vault and registry names are unique over all customers.",
        "They are unique within the emulator.",
        "tests/integration/test_arm.py::test_a_storage_account_name_is_taken_only_once",
    ),
    (
        "azure-native",
        "Has all of Azure's resource types and functions.",
        "Its stand-in has a workspace's seven types and getClientConfig; others are errors that name themselves.",
        "tests/integration/test_plugin.py::test_an_unknown_type_or_function_is_named",
    ),
    (
        "azure-native",
        "Refuses to create a resource that exists.",
        "Its stand-in takes the resource over, so an `up` that was killed is simply run again.",
        "tests/integration/test_plugin.py::test_a_create_takes_over_what_is_there",
    ),
]

Handler = Callable[[Call], Response]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUPS = f"{_SUBSCRIPTION}/resourceGroups"
_GROUP = f"{_GROUPS}/{{group}}"
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?")


def routes(store: Store, subscriptions: Subscriptions, on_workspace_deleted: Callable[[str], None]) -> list[Route]:
    """Return ARM's routes; the callback gets the id, in lower case, of each workspace before it is deleted."""
    groups = Groups(store, on_workspace_deleted)

    def list_subscriptions(_: Call) -> Response:
        return JSONResponse({"value": [describe(subscription) for subscription in subscriptions.list_ids()]})

    table: list[tuple[str, str, Handler]] = [
        ("GET", "/subscriptions", list_subscriptions),
        ("GET", _SUBSCRIPTION, lambda call: JSONResponse(describe(call.params["subscription"]))),
        ("GET", _GROUPS, groups.list_all),
        ("HEAD", _GROUP, groups.check),
        ("GET", _GROUP, groups.get),
        ("PUT", _GROUP, groups.put),
        ("PATCH", _GROUP, groups.patch),
        ("DELETE", _GROUP, groups.delete),
        ("GET", f"{_GROUP}/resources", groups.list_resources),
        ("GET", f"{_SUBSCRIPTION}/resources", groups.list_resources),
        ("GET", f"{_SUBSCRIPTION}/providers/{{namespace}}", providers.read),
    ]
    for arm_type in TYPES:
        resources = Resources(store, groups, arm_type, on_workspace_deleted)
        of_group = f"{_GROUP}/providers/{arm_type.name}"
        one = of_group + "/{name}"
        table += [
            ("GET", f"{_SUBSCRIPTION}/providers/{arm_type.name}", resources.list_all),
            ("GET", of_group, resources.list_all),
            ("GET", one, resources.get),
            ("PUT", one, resources.put),
            ("PATCH", one, resources.patch),
            ("DELETE", one, resources.delete),
        ]
    return [_route(subscriptions, (groups.list_all, groups.list_resources), *line) for line in table]


def _route(
    subscriptions: Subscriptions, filtered: Sequence[Handler], method: str, path: str, handler: Handler
) -> Route:
    known = ("$expand", "$filter", "$top") if handler in filtered else ("$expand",)

    async def endpoint(request: Request) -> Response:
        _check_api_version(request.query_params.get("api-version"))
        params = dict(request.path_params)
        if "subscription" in params:
            params["subscription"] = subscriptions.find(params["subscription"])
        base_url, options = str(request.base_url).rstrip("/"), _read_options(request.query_params, known)
        call = Call(base_url, params, _parse(await request.body()), *options)
        return await run_in_threadpool(handler, call)

    return ignore_case(Route(path, endpoint, methods=[method]))


def _read_options(query: QueryParams, known: Sequence[str]) -> tuple[str | None, int | None]:
    """Return $filter and $top; raises if one is given twice, or if an option would have no effect."""
    for name in query:
        if name.startswith("$") and name not in known:
            message = f"The emulator does not know the query option {name} here; it knows {', '.join(known)}."
            raise BadRequestError(message, code="InvalidQueryParameter")
        if name.startswith("$") and len(query.getlist(name)) > 1:
            raise BadRequestError(f"The query option {name} is given more than once.", code="InvalidQueryParameter")
    top = query.get("$top")
    if top is not None and not (top.isdecimal() and int(top)):
        raise BadRequestError(f"$top must be a number from 1, not '{top}'.", code="InvalidQueryParameter")
    return query.get("$filter"), int(top) if top else None


def _check_api_version(version: str | None) -> None:
    if not version:
        raise BadRequestError(
            "The api-version query parameter (?api-version=) is required for all requests.",
            code="MissingApiVersionParameter",
        )
    if not _API_VERSION.fullmatch(version):
        raise BadRequestError(f"The api-version '{version}' is invalid.", code="InvalidApiVersionParameter")


def _parse(body: bytes) -> Fields:
    if not body:
        return {}
    try:
        parsed = json_body.parse(body)
    except ValueError as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise BadRequestError(message, code="InvalidRequestContent") from None
    if not isinstance(parsed, dict):
        raise BadRequestError("The request content must be a JSON object.", code="InvalidRequestContent")
    asked = {key: value for key, value in parsed.items() if value is not None}
    for key in ("tags", "sku", "identity", "properties"):
        if not isinstance(asked.get(key, {}), dict):
            raise BadRequestError(f"The request content's '{key}' must be a JSON object.", code="InvalidRequestContent")
    return asked
