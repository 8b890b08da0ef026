"""The commands about releases: promote, releases, status."""

from digits.cli.command import DONE, FOUND_BAD, Command, CommandError, answer_as_json, name_stack
from digits.cli.commands import shell, stacks

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from digits.release import Release
    from infra.live import Live

_SECTION = "Every day"
_WIDTH = 100  # of what is no terminal


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits promote --from staging --to prod", "show the evidence, preview, ask, deploy"),
        ("digits promote --from staging --to prod --release 4f2a81c09d3e --yes", "take an older release, do not ask"),
    ],
    epilog="Exit codes: 0 deployed, 1 not promoted, 2 could not be promoted, 130 interrupted.",
)
@click.option("--from", "source", required=True, metavar="STACK", help="The stack that released it.")
@click.option("--to", "target", required=True, metavar="STACK", help="The stack that takes it.")
@click.option("--release", metavar="ID", help="Another release than the source's last.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTION...]")
def promote(source: str, target: str, release: str | None, options: tuple[str, ...], *, yes: bool) -> int:
    """Deploy to a stack what another stack released, by digest; options after -- go to the Pulumi CLI."""
    _require_source(source, target)
    file = shell.require_usable(target)
    if shell.is_emulated(file):
        shell.start_emulator(file)
    shell.enter(file)
    stacks.prepare(file)
    code = _promote(target, release, options, is_confirmed=yes)
    if code == DONE:
        stacks.show_evaluation(target)
    return code


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits releases --stack prod", "what the stack released, newest first"),
        ("digits releases --stack prod --json", "the same for a program"),
    ],
)
@name_stack
@answer_as_json
def releases(stack: str, *, as_json: bool) -> None:
    """List what a stack released, newest first, and say whether the last release is live."""
    stacks.enter_deployed(shell.require_usable(stack))
    print_releases(stack, as_json=as_json)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits status --stack prod", "whether the live service was released"),
        ("digits status --json", "the same for a program"),
    ],
)
@name_stack
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, without the emulator's own status.")
def status(stack: str, *, as_json: bool) -> int:
    """Show what runs on the emulator, and whether the live service was released."""
    file = shell.require_usable(stack)
    if shell.is_emulated(file) and not as_json and (code := shell.run_emulator("status", output=sys.stdout)):
        return code
    shell.enter(file)
    live = _read(stack)[1]
    found = {"stack": stack, "live": live.found, "released": live.is_released, "sentence": live.sentence}
    print(json.dumps(found) if as_json else f"Stack {stack}: {live.sentence}")
    return DONE


def print_releases(stack: str, *, as_json: bool = False) -> None:
    """Print what a stack released, as a table or as JSON."""
    found, live = _read(stack)
    if as_json:
        rows = [
            {"id": one.id, "model": one.model, "accuracy": one.accuracy, "commit": one.commit, "time": one.time}
            for one in found
        ]
        print(json.dumps({"stack": stack, "live": live.found, "sentence": live.sentence, "releases": rows}))
        return
    from digits.cli.console import Console

    from rich.table import Table

    table = Table("release", "live", "model", "accuracy", "commit", "released (UTC)", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = column.header != "model"
        column.overflow = "fold"
    table.title = f"Stack {stack}" if found else None
    for at, one in enumerate(found):
        mark = live.mark if at == 0 else ""
        table.add_row(one.id, mark, one.model, one.accuracy, one.commit, one.time)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
    if found:
        console.print(table)
    if not live.is_released:
        console.print(live.sentence, soft_wrap=True)


def deploy_release(target: str, options: Sequence[str]) -> int:
    """Deploy what the source released last, or the release in the stack's file; return the CLI's exit status.

    It is what the CLI's own preview showed, even if the source releases again meanwhile.
    """
    from digits.engine.deployments import deploy
    from digits.promotion import pin

    if pin.is_kept(target):
        return deploy(target, options)
    record = pin.find(target, None)
    with pin.hold(target, record) as held:
        return deploy(target, [*held, "--message", _describe(record), *options])


def _read(stack: str) -> "tuple[list[Release], Live]":
    """Return what the stack released, newest first, and what a look at its web service found."""
    from digits.engine.deployments import read_outputs
    from digits.release import Release, unfold
    from infra.live import look

    resources = read_outputs(stack)
    release = Release.from_state(stack, resources.get("release"))
    return unfold(release) if release else [], look(stack, release, resources.get("webservice") or {})


def _require_source(source: str, target: str) -> None:
    """Refuse a source that the target's file does not name, before anything is asked of a backend."""
    from digits.promotion import pin

    if source == target:
        raise CommandError(f"Stack '{target}' cannot take its own releases: name another one with FROM=.")
    pin.require_stack(source)
    named = pin.read_source(target)
    if named != source:
        raise CommandError(
            f"{pin.locate(target)} lets stack '{target}' take the releases of {named or 'no other stack'}: "
            f"write `digits:promoteFrom: {source}` there to promote from '{source}'."
        )


def _promote(target: str, release: str | None, more: Sequence[str], *, is_confirmed: bool) -> int:
    from digits.engine.deployments import deploy, show_preview
    from digits.promotion import pin

    record = pin.find(target, release)
    show_evidence(record, target)
    with pin.hold(target, record) as held:
        options = [*held, "--refresh", *more]
        if show_preview(target, options) != 0:
            raise CommandError(f"The release was not promoted, because its preview on stack '{target}' failed.")
        if not (is_confirmed or _ask(target)):
            print("Not promoted.")
            return FOUND_BAD
        pin.keep(target, record if release else None)
        return deploy(target, [*options, "--yes", "--skip-preview", "--message", _describe(record)]) and FOUND_BAD


def _describe(record: "Release") -> str:
    return f"Promote {record.model} from {record.stack} ({record.id})"


def show_evidence(record: "Release", target: str) -> None:
    """Print what the release is, and how good it was."""
    print(f"Promote {record.id} from {record.stack} to {target}:")
    for name, value in record.evidence:
        print(f"  {name:14}{value}")
    print(flush=True)


def _ask(target: str) -> bool:
    if not sys.stdin.isatty():
        raise CommandError(f"Whether to deploy to '{target}' cannot be asked here: run it with YES=1 (--yes).")
    return input(f"Deploy this to {target}? Type the stack's name: ").strip() == target


COMMANDS = (promote, releases, status)
