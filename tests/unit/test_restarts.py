"""When a container that ended is started again."""

from emulator.aci.restarts import PAUSES_SECONDS, Restarts


class Clock:
    """A clock that the test moves; in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def wait_for_restart(restarts: Restarts, clock: Clock) -> float:
    """Return how long it takes until the restart is due, to a second."""
    for waited in range(1000):
        if restarts.take_due():
            return waited
        clock.now += 1
    raise AssertionError


def test_a_container_that_ends_again_and_again_is_started_after_ever_longer_pauses() -> None:
    """The last pause is the longest, for as long as it goes on."""
    clock = Clock()
    restarts = Restarts(clock)
    pauses = []
    for _ in range(len(PAUSES_SECONDS) + 2):
        restarts.note_end("svc")
        pauses.append(wait_for_restart(restarts, clock))
        restarts.note_start("svc")
    assert pauses == [*PAUSES_SECONDS, PAUSES_SECONDS[-1], PAUSES_SECONDS[-1]]


def test_a_container_that_ran_well_is_started_again_at_once() -> None:
    """An accident after an hour is not the end of a row of them."""
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(3):
        restarts.note_end("svc")
        wait_for_restart(restarts, clock)
    restarts.note_start("svc")
    clock.now += 3600
    assert restarts.note_end("svc") == 1
    assert restarts.take_due() == ["svc"]
    assert restarts.take_due() == []


def test_a_service_that_is_deployed_anew_or_deleted_is_not_started_again() -> None:
    """Its own deployment starts it, or nothing does."""
    clock = Clock()
    restarts = Restarts(clock)
    restarts.note_end("svc")
    restarts.forget("svc")
    clock.now += 3600
    assert restarts.take_due() == []
    assert restarts.note_end("svc") == 1
