"""The command that finds what was changed outside Pulumi: drift."""

from digits.cli.command import FOUND_BAD, Command, CommandError, name_stack
from digits.cli.commands import shell, stacks

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from digits.drift.findings import Drift, Finding
    from digits.engine.events import Preview, Step


@click.command(
    cls=Command,
    section="Every day",
    examples=[
        ("digits drift", "what was changed outside Pulumi"),
        ("digits drift --stack prod --json", "the same for a program"),
    ],
    epilog="Exit codes: 0 no drift, 1 drift, 2 could not look, 130 interrupted.",
)
@name_stack
@click.option("--json", "form", flag_value="json", help="Print one JSON object.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown, for an issue or a job's summary.")
@click.option(
    "--report", metavar="FILE", type=Path, help="Write the answer as Markdown there (default: reports/STACK/drift.md)."
)
def drift(stack: str, form: str | None, report: Path | None) -> int:
    """Show what was changed outside Pulumi, and what the next up would do about it; change nothing."""
    from digits.drift import formats

    file = shell.require_usable(stack)
    if shell.is_emulated(file) and shell.was_started():
        shell.start_emulator(file)
    stacks.enter_deployed(file)
    found = look(stack)
    written = report or stacks.locate_report(stack, "drift.md")
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(formats.to_markdown(found) + "\n", encoding="utf-8")
    render = {"json": formats.to_json, "markdown": formats.to_markdown}.get(form or "", formats.to_text)
    print(render(found))
    return FOUND_BAD if found.findings else 0


def look(stack: str) -> "Drift":
    """Refresh and, if something changed, preview the next `up`; raises EngineError."""
    from digits.drift.findings import MODEL, Drift, find
    from digits.engine import automation
    from digits.engine.invocation import EngineError

    shell.say(f"Comparing stack {stack} with what is deployed")
    steps = _read_steps(automation.refresh(stack))
    if not steps:
        raise CommandError(f"Nothing is deployed in stack {stack}: run `make up STACK={stack}` first.")
    changed = sorted(find(steps), key=lambda finding: finding.title)
    others = [finding for step in steps if step.type == MODEL for finding in _find_others(step)]
    next_steps: dict[str, str] = {}
    unknown = None
    if changed:
        shell.say("Previewing the next `up`")
        try:
            next_steps = {step.name: step.operation for step in _read_steps(automation.preview(stack, ["--refresh"]))}
        except (EngineError, CommandError) as error:
            unknown = str(error)
    return Drift(stack, len(steps), (*changed, *others), next_steps, unknown)


def _read_steps(preview: "Preview") -> "tuple[Step, ...]":
    if preview.errors:
        raise CommandError(preview.errors[0])
    return preview.steps


def _find_others(model: "Step") -> "list[Finding]":
    from digits.drift.findings import name_others
    from infra import azureml  # the SDK takes a second

    users = azureml.find_users(model.outputs["workspaceId"], model.outputs["name"])
    return name_others(model, [(user.name, user.models, user.stack) for user in users])


COMMANDS = (drift,)
