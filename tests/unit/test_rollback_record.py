"""The way back: when there is one, and what is said when there is none."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from infra import rollback

if TYPE_CHECKING:
    from digits.release_record import ReleaseRecord

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
FAILED = RELEASED | {"fingerprint": "c" * 64}
OBSTACLES: dict[str, tuple[dict[str, Any], str]] = {
    "the first release": ({}, "nothing was released before"),
    "a service that is called otherwise now": (RELEASED | {"service": "old"}, "another web service, 'old'"),
    "another workspace": (RELEASED | {"workspaceId": "/subscriptions/t"}, "another web service"),
    "a raised threshold": (RELEASED | {"fingerprint": FAILED["fingerprint"]}, "is what was last released"),
}


def find_obstacle(released: dict[str, Any]) -> str | None:
    """Return what is in the way back to this record, empty if nothing was released."""
    return rollback.obstacle(cast("ReleaseRecord", released) if released else None, cast("ReleaseRecord", FAILED))


def test_another_combination_of_the_same_service_is_a_way_back() -> None:
    """Nothing stands in the way."""
    assert find_obstacle(RELEASED) is None


@pytest.mark.parametrize("case", OBSTACLES)
def test_where_there_is_no_way_back_the_reason_is_said(case: str) -> None:
    """A clause that follows "Not rolled back:"."""
    released, reason = OBSTACLES[case]
    assert reason in (find_obstacle(released) or "")


def test_a_record_that_was_damaged_is_not_deployed() -> None:
    """The scoring package must be the one with the recorded digest; nothing was asked of Azure yet."""
    with pytest.raises(rollback.RollbackError, match=r"^The recorded scoring package cannot be read: [^\n]*\.$"):
        rollback.deploy(cast("ReleaseRecord", RELEASED), lambda _line: None)
