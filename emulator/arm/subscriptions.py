"""Subscriptions: one emulator holds several, and each exists because a client asked for it.

Nothing removes a subscription. Its resources can be deleted; an empty subscription costs nothing.
"""

import uuid

from emulator.http.errors import BadRequestError, NotFoundError
from emulator.http.identity import TENANT
from emulator.store import Store


class Subscriptions:
    """The subscriptions of this state; an id is kept in lower case."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction():
            for key in store.resources.find_keys():  # a subscription that holds resources exists
                self.add(key.split("/")[2])

    def add(self, subscription: str) -> bool:
        """Make the subscription; return False if it is there."""
        with self._store.transaction():
            if self._store.subscriptions.get(subscription) is not None:
                return False
            self._store.subscriptions.put(subscription, {"id": subscription})
        return True

    def list_ids(self) -> list[str]:
        """Return the ids of all subscriptions."""
        return self._store.subscriptions.find_keys()

    def find(self, text: str) -> str:
        """Return the id of the subscription that a path names, or raise ARM's 400 or 404."""
        subscription = read_id(text)
        if self._store.subscriptions.get(subscription) is None:
            raise NotFoundError(
                f"The subscription '{text}' could not be found. "
                f"`azureml-emulator start --subscription {subscription}` adds it to the emulator.",
                code="SubscriptionNotFound",
            )
        return subscription


def read_id(text: str) -> str:
    """Return the id in lower case; raises BadRequestError if it is not a GUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        message = f"The provided subscription identifier '{text}' is malformed or invalid."
        raise BadRequestError(message, code="InvalidSubscriptionId") from None


def describe(subscription: str) -> dict[str, str]:
    """Return the subscription as ARM answers it."""
    return {
        "id": f"/subscriptions/{subscription}",
        "subscriptionId": subscription,
        "tenantId": TENANT,
        "displayName": "Emulator",
        "state": "Enabled",
    }
