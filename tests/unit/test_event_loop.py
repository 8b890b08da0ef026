"""How the program waits for the engine: it sleeps until an output is there, and ends at the first that failed."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Iterator

import pytest
from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

from infra.event_loop import pause_between_looks


class CountingSelector(selectors.DefaultSelector):
    """Counts how often the event loop looks for what happened."""

    looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look, and count it."""
        self.looks += 1
        return super().select(timeout)


@pytest.fixture(autouse=True)
def pausing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program's way of waiting, taken back afterwards."""
    monkeypatch.setattr(stack, "wait_for_rpcs", stack.wait_for_rpcs)
    pause_between_looks()
    yield
    SETTINGS.outputs.clear()


def wait_for(*outputs: Callable[[], Awaitable[object]]) -> int:
    """Wait for these outputs as the program does; return how often the event loop looked."""
    selector = CountingSelector()

    async def wait() -> None:
        tasks = [asyncio.ensure_future(output()) for output in outputs]
        SETTINGS.outputs.extend(tasks)
        try:
            await stack.wait_for_rpcs()
        finally:
            for task in tasks:
                task.cancel()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(wait())
    return selector.looks


async def end_late() -> None:
    """End after a third of a second."""
    await asyncio.sleep(0.3)


async def add_another() -> None:
    """Add an output that ends later, as a resource does whose inputs are there now."""
    await asyncio.sleep(0.01)
    SETTINGS.outputs.append(asyncio.ensure_future(end_late()))


async def fail() -> None:
    """Fail after a moment."""
    await asyncio.sleep(0.01)
    raise ValueError("no such workspace")


def test_the_event_loop_sleeps_until_an_output_is_there() -> None:
    """The SDK's own loop would look thousands of times in a third of a second."""
    assert wait_for(end_late) < 30


def test_an_output_that_is_added_meanwhile_is_waited_for() -> None:
    """None is left undone when the wait has ended."""
    wait_for(end_late, add_another)
    assert not [output for output in SETTINGS.outputs if not output.done()]


def test_the_first_failure_ends_the_wait() -> None:
    """Also while another output never comes."""
    with pytest.raises(ValueError, match="no such workspace"):
        wait_for(asyncio.Event().wait, fail)
