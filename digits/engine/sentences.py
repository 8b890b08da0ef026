"""The engine's messages as sentences: one line, without the engine's marks and without paths of this machine."""

from pathlib import Path

_EXCEPTION = "Program failed with an unhandled exception:"
_NO_STACK = "no stack named '"


def simplify(message: str) -> str:
    """Return a message as one sentence; of a traceback, return the exception."""
    text = message.strip().removeprefix("error: ").removeprefix("warning: ")
    if text.startswith(_EXCEPTION):
        text = f"The program failed: {text.splitlines()[-1]}"
    return " ".join(text.replace(f"{Path.cwd()}/", "").split())


def explain(printed: str) -> str:
    """Return the last error in the output of a CLI that failed, with the command that fixes it, if there is one."""
    _, mark, last = printed.rpartition("error: ")
    sentence = simplify(last if mark else printed.strip().rpartition("\n")[-1])
    if sentence.startswith(_NO_STACK):
        stack = sentence.removeprefix(_NO_STACK).partition("'")[0]
        return f"{sentence}: deploy it first with `make up STACK={stack}`, or name another."
    return sentence or "The Pulumi CLI failed and printed no reason."
