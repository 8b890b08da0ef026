"""`python -m digits.promotion`: a stack's releases, what is live of them, and deployments of another stack's release.

Exit codes: 0 done or nothing to do, 1 not promoted, 2 could not be promoted.
"""

import digits.cli.interrupt  # noqa: F401 - before all else, see there

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from digits.engine import stacks
from digits.engine.invocation import EngineError
from digits.promotion import pin
from digits.promotion.history import Released, unfold
from digits.promotion.record import PromotionError, ReleaseRecord
from infra.live import Live, look

_DONE, _REFUSED, _FAILED = 0, 1, 2
_WIDTH = 100  # of what is no terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    chosen = _parser().parse_args(arguments)
    commands = {"releases": _list, "status": _tell, "promote": _promote, "up": _deploy}
    try:
        return commands[chosen.command](chosen)
    except (EngineError, PromotionError) as error:
        print(error, file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m digits.promotion", description="List a stack's releases, and promote one from stack to stack."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, text in (
        ("releases", "list what a stack released, newest first, and say what of it is live"),
        ("status", "say in one line whether what is live was released"),
    ):
        commands.add_parser(name, help=text).add_argument("stack")
    promotion = commands.add_parser("promote", help="show the evidence, preview, ask, deploy")
    promotion.add_argument("--from", dest="source", required=True, metavar="STACK", help="the stack that released it")
    promotion.add_argument("--to", dest="target", required=True, metavar="STACK", help="the stack that takes it")
    promotion.add_argument("--release", metavar="ID", help="another one than the source's last")
    promotion.add_argument("--yes", action="store_true", help="do not ask")
    deployment = commands.add_parser("up", help="deploy what the source released last, or the release in the file")
    deployment.add_argument("target", metavar="stack")
    for command in (promotion, deployment):
        command.add_argument("options", nargs="*", metavar="OPTION", help="after --: options of the CLI")
    return parser


def _list(chosen: argparse.Namespace) -> int:
    releases, live = _read(chosen.stack)
    table = Table("release", "live", "model", "accuracy", "commit", "released (UTC)", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = column.header != "model"
        column.overflow = "fold"
    table.title = f"Stack {chosen.stack}" if releases else None
    for at, one in enumerate(releases):
        mark = live.mark if at == 0 else ""
        table.add_row(one.id, mark, one.model, one.accuracy, one.commit, one.time)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
    if releases:
        console.print(table)
    if not live.is_released:
        console.print(live.sentence, soft_wrap=True)
    return _DONE


def _tell(chosen: argparse.Namespace) -> int:
    print(f"Stack {chosen.stack}: {_read(chosen.stack)[1].sentence}")
    return _DONE


def _read(stack: str) -> tuple[list[Released], Live]:
    """Return what the stack released, newest first, and what a look at its web service found."""
    resources = stacks.read_outputs(stack)
    release = resources.get("release")
    releases = unfold(Released(stack, release)) if release else []
    return releases, look(stack, release or {}, resources.get("webservice") or {})


def _promote(chosen: argparse.Namespace) -> int:
    target = chosen.target
    if chosen.source == target:
        raise PromotionError(f"Stack '{target}' cannot take its own releases: name another one with FROM=.")
    pin.require_stack(chosen.source)
    named = pin.read_source(target)
    if named != chosen.source:
        raise PromotionError(
            f"{pin.locate(target)} lets stack '{target}' take the releases of {named or 'no other stack'}: "
            f"write `digits:promoteFrom: {chosen.source}` there to promote from '{chosen.source}'."
        )
    record = pin.find(target, chosen.release)
    _show_evidence(record, target)
    with pin.hold(target, record) as held:
        options = [*held, "--refresh", *chosen.options]
        if stacks.show_preview(target, options) != 0:
            return _FAILED
        if not (chosen.yes or _ask(target)):
            print("Not promoted.")
            return _REFUSED
        pin.keep(target, record if chosen.release else None)
        return stacks.deploy(target, [*options, "--yes", "--skip-preview", "--message", _describe(record)]) and _REFUSED


def _deploy(chosen: argparse.Namespace) -> int:
    """Deploy as `pulumi up` does, but what its preview showed, even if the source releases again meanwhile."""
    target = chosen.target
    if pin.is_kept(target):
        return stacks.deploy(target, chosen.options) and _REFUSED
    record = pin.find(target, None)
    with pin.hold(target, record) as held:
        return stacks.deploy(target, [*held, "--message", _describe(record), *chosen.options]) and _REFUSED


def _describe(record: ReleaseRecord) -> str:
    return f"Promote {record.model} from {record.stack} ({record.id})"


def _show_evidence(record: ReleaseRecord, target: str) -> None:
    print(f"Promote {record.id} from {record.stack} to {target}:")
    for name, value in (
        ("model", f"{record.model}, SHA-256 {record.modelSha256}"),
        ("environment", record.environment),
        ("scoring files", f"SHA-256 {record.scoringDigest}"),
        ("checkout", record.origin),
        (
            "evidence",
            f"accuracy {record.accuracy:.4f} on {record.rowsEvaluated:,.0f} images of {record.dataset}, {record.time}",
        ),
    ):
        print(f"  {name:14}{value}")
    if record.loss:
        print(f"  {'worse':14}{record.loss}")
    print(flush=True)


def _ask(target: str) -> bool:
    if not sys.stdin.isatty():
        raise PromotionError(f"Whether to deploy to '{target}' cannot be asked here: run it with YES=1 (--yes).")
    return input(f"Deploy this to {target}? Type the stack's name: ").strip() == target


if __name__ == "__main__":
    sys.exit(main())
