"""The plugin's client of ARM, which speaks only to the emulator that the environment names."""

import os
import ssl
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

_START = "azureml-emulator start"
_POINT = 'eval "$(azureml-emulator env)"'
_SUBSCRIPTIONS = "2022-12-01"  # the api-version
_GONE = {"ResourceNotFound", "ResourceGroupNotFound"}
_TIMEOUT_SECONDS = 120  # deleting a group ends the web services in it


class ArmError(Exception):
    """ARM refused a request, or did not answer; one sentence."""


class ArmClient:
    """Speaks to ARM in JSON; connects at the first request, because an unchanged preview makes none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = threading.Lock()

    def get(self, path: str, api_version: str) -> dict[str, Any] | None:
        """Return the resource, or None when there is none."""
        return self._request("GET", path, api_version)

    def put(self, path: str, api_version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or replace the resource and return it."""
        return self._request("PUT", path, api_version, body) or {}

    def delete(self, path: str, api_version: str) -> None:
        """Remove the resource; one that is not there is no error."""
        self._request("DELETE", path, api_version)

    def list_subscriptions(self) -> list[dict[str, str]]:
        """Return the emulator's subscriptions, with the tenant that each belongs to."""
        answer = self._request("GET", "/subscriptions", _SUBSCRIPTIONS) or {}
        subscriptions: list[dict[str, str]] = answer.get("value", [])
        return subscriptions

    def get_subscription(self, subscription: str) -> dict[str, str]:
        """Return the subscription; an id that the emulator does not know raises ArmError."""
        return self._request("GET", f"/subscriptions/{subscription}", _SUBSCRIPTIONS) or {}

    @cached_property
    def token(self) -> str:
        """A token from the emulator's identity endpoint."""
        import httpx  # only when it is needed: importing it is a third of the plugin's start

        endpoint = self._setting("MSI_ENDPOINT")
        try:
            answer = httpx.post(
                endpoint,
                data={"resource": "https://management.azure.com/"},
                headers={"Metadata": "true"},
                trust_env=False,
            ).raise_for_status()
        except httpx.HTTPError as error:
            raise ArmError(f"The emulator's identity endpoint {endpoint} does not answer ({error}): {_START}") from None
        return str(answer.json()["access_token"])

    def _request(
        self, method: str, path: str, api_version: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        import httpx

        with self._lock:  # the engine asks from several threads at once
            client, token = self._http, self.token
        try:
            answer = client.request(
                method,
                path,
                params={"api-version": api_version},
                headers={"Authorization": f"Bearer {token}"},
                json=body,
            )
        except httpx.HTTPError as error:
            raise ArmError(f"The emulator at {client.base_url} does not answer ({error}): {_START}") from None
        if answer.is_success:
            return dict(answer.json()) if answer.content else {}
        try:
            code, message = (answer.json()["error"][key] for key in ("code", "message"))
        except (ValueError, KeyError, TypeError):
            raise ArmError(f"{client.base_url} is not the emulator's ARM: it answered {answer.text[:200]!r}.") from None
        # Only these two mean that a resource is gone: an unknown subscription is a mistake.
        if method != "PUT" and code in _GONE:
            return None
        raise ArmError(f'Status={answer.status_code} Code="{code}" Message="{message}"')

    @cached_property
    def _http(self) -> "httpx.Client":
        import httpx

        try:
            context = ssl.create_default_context(cafile=self._setting("REQUESTS_CA_BUNDLE"))
        except OSError as error:
            raise ArmError(f"REQUESTS_CA_BUNDLE cannot be read ({error}): {_START}, then {_POINT}") from None
        # No trust_env: a proxy for the world is not one for this machine.
        return httpx.Client(
            base_url=self._setting("AZUREML_EMULATOR"), verify=context, timeout=_TIMEOUT_SECONDS, trust_env=False
        )

    def _setting(self, name: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise ArmError(f"{name} is not set, so azure-native's stand-in has no emulator to talk to: {_POINT}")
        return value
