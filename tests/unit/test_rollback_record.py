"""The way back: when there is one, and what is said when there is none."""

from typing import Any

import pytest

from infra import rollback

RELEASED: dict[str, Any] = {
    "workspaceId": "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w",
    "service": "digits-dev",
    "fingerprint": "a" * 64,
    "modelName": "sklearn_mnist",
    "modelVersion": 1.0,
    "environment": "tutorial-env:1",
    "scoringDigest": "b" * 64,
    "scoringFiles": "bm90aGluZw==",
    "deployment": {},
}
CANDIDATE = RELEASED | {"fingerprint": "c" * 64}
OBSTACLES: dict[str, tuple[dict[str, Any], str]] = {
    "the first release": ({}, "nothing was released before"),
    "a record of earlier days": ({"service": "digits-dev", "accuracy": 0.97}, "by an earlier version"),
    "a record with nothing in it": (RELEASED | {"scoringFiles": None}, "by an earlier version"),
    "a service that is called otherwise now": (RELEASED | {"service": "old"}, "another web service, 'old'"),
    "another workspace": (RELEASED | {"workspaceId": "/subscriptions/t"}, "another web service"),
    "a raised threshold": (RELEASED | {"fingerprint": CANDIDATE["fingerprint"]}, "is what was last released"),
}


def test_another_combination_of_the_same_service_is_a_way_back() -> None:
    """Nothing stands in the way."""
    assert rollback.obstacle(RELEASED, CANDIDATE) is None


@pytest.mark.parametrize("case", OBSTACLES)
def test_where_there_is_no_way_back_the_reason_is_said(case: str) -> None:
    """A clause that follows "Not rolled back:"."""
    released, reason = OBSTACLES[case]
    assert reason in (rollback.obstacle(released, CANDIDATE) or "")


def test_a_record_that_was_damaged_is_not_deployed() -> None:
    """The scoring package must be the one with the recorded digest; nothing was asked of Azure yet."""
    with pytest.raises(rollback.RollbackError, match=r"^The recorded scoring package cannot be read: [^\n]*\.$"):
        rollback.deploy(RELEASED, lambda _line: None)
