"""`make drift`: the changes made outside Pulumi since the last `up`, and the operations of the next one.

Exit code 0: no drift; 1: drift; 2: could not look.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import sys
from pathlib import Path

from digits.drift import formats
from digits.drift.findings import MODEL, Drift, Finding, find, name_others
from digits.engine import automation
from digits.engine.events import Preview, Step
from digits.engine.invocation import EngineError

_SAME, _DRIFTED, _COULD_NOT_LOOK = 0, 1, 2


def main() -> int:
    """Look, print the answer and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m digits.drift",
        description="Compare what a stack has deployed with what is there, and change nothing.",
        epilog="Exit code 0: no drift; 1: drift; 2: could not look.",
    )
    parser.add_argument("stack", help="its name, such as dev")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="render", action="store_const", const=formats.to_json, help="one JSON object")
    form.add_argument(
        "--markdown",
        dest="render",
        action="store_const",
        const=formats.to_markdown,
        help="Markdown, for an issue or a job's summary",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the answer as Markdown there, too")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(render=formats.to_text)
    options = parser.parse_args()
    try:
        drift = look(options.stack)
    except EngineError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return _COULD_NOT_LOOK
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(formats.to_markdown(drift) + "\n", encoding="utf-8")
    print(options.render(drift))
    return _DRIFTED if drift.findings else _SAME


def look(stack: str) -> Drift:
    """Refresh and, if something changed, preview the next `up`; raises EngineError."""
    print(f"Comparing stack {stack} with what is deployed", file=sys.stderr)
    steps = _steps(automation.refresh(stack))
    if not steps:
        raise EngineError(f"Nothing is deployed in stack {stack}: run `make up STACK={stack}` first.")
    changed = sorted(find(steps), key=lambda finding: finding.title)
    others = [finding for step in steps if step.type == MODEL for finding in _find_others(step)]
    next_steps: dict[str, str] = {}
    unknown = None
    if changed:
        print("Previewing the next `up`", file=sys.stderr)
        try:
            next_steps = {step.name: step.operation for step in _steps(automation.preview(stack, ["--refresh"]))}
        except EngineError as error:
            unknown = str(error)
    return Drift(stack, len(steps), (*changed, *others), next_steps, unknown)


def _steps(preview: Preview) -> tuple[Step, ...]:
    if preview.errors:
        raise EngineError(preview.errors[0])
    return preview.steps


def _find_others(model: Step) -> list[Finding]:
    from infra import azureml  # noqa: PLC0415 (the SDK takes a second)

    try:
        users = azureml.find_users(model.outputs["workspaceId"], model.outputs["name"])
    except azureml.AzureMLError as error:
        raise EngineError(str(error)) from error
    return name_others(model, [(user.name, user.models, user.stack) for user in users])


if __name__ == "__main__":
    sys.exit(main())
