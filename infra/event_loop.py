"""Waits for the engine without using a processor meanwhile.

Pulumi's SDK asks in a loop without a pause whether the outputs are there. That is a whole core for as long as a
deployment takes, and the evaluation of the live service runs in the same process.
"""

import asyncio

from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

_LONGEST_PAUSE_SECONDS = 0.1  # an output that was added meanwhile is looked at after this

_wait_for_rpcs = stack.wait_for_rpcs


def pause_between_looks() -> None:
    """Have the program sleep until an output is there, instead of asking again and again."""
    stack.wait_for_rpcs = _wait


async def _wait(await_all_outstanding_tasks: bool = True) -> None:  # noqa: FBT001, FBT002 - the SDK's own signature
    await _wait_for_rpcs(await_all_outstanding_tasks=False)
    while await_all_outstanding_tasks and (unfinished := _unfinished()):
        await asyncio.wait(unfinished, timeout=_LONGEST_PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    # What is left is to raise what failed, and to see what was added at the last moment.
    await _wait_for_rpcs(await_all_outstanding_tasks)


def _unfinished() -> list["asyncio.Task[object]"]:
    """Return the outputs that are not there yet; none once one has failed, which ends the program."""
    with SETTINGS.lock:
        outputs = list(SETTINGS.outputs)
    if any(output.done() and (output.cancelled() or output.exception()) for output in outputs):
        return []
    return [output for output in outputs if not output.done()]
