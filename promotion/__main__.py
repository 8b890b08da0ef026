"""`python -m promotion`: list a stack's releases, and promote one from stack to stack.

Exit codes: 0 done or nothing to do, 1 not promoted, 2 could not be promoted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from promotion.history import choose, read_history, write_message
from promotion.pulumi_cli import ask, show
from promotion.record import PromotionError, ReleaseRecord
from stack import StackFileError, read

_PIN = "digits:release"
_UPDATES = "500"  # of a stack's history, the newest
_DONE, _REFUSED, _FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m promotion", description="List a stack's releases, and promote one from stack to stack."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    listing = commands.add_parser("releases", help="list what a stack released, newest first")
    listing.add_argument("stack")
    promotion = commands.add_parser("promote", help="show the evidence, preview, ask, deploy")
    promotion.add_argument("--from", dest="source", required=True, metavar="STACK", help="the stack that released it")
    promotion.add_argument("--to", dest="target", required=True, metavar="STACK", help="the stack that takes it")
    promotion.add_argument("--release", metavar="ID", help="an older one of the target (default: the source's last)")
    promotion.add_argument("--yes", action="store_true", help="do not ask")
    promotion.add_argument("options", nargs="*", metavar="OPTION", help="after --: options of preview and up alike")
    chosen = parser.parse_args(arguments)
    try:
        return _list(chosen.stack) if chosen.command == "releases" else _promote(chosen)
    except PromotionError as error:
        print(error, file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return 130


def _list(stack: str) -> int:
    now = (ask("stack", "output", "--stack", stack, "--json") or {}).get("release")
    table = Table("release", "live", "model", "accuracy", "environment", "commit", "released", title=f"Stack {stack}")
    live = ReleaseRecord.from_output(stack, now) if now else None
    rows = [(promoted.time, promoted.record) for promoted in read_history(_history(stack))]
    if live and live.id not in {record.id for _, record in rows}:
        rows.insert(0, (live.time, live))
    for time, record in rows:
        shown = (record.model, f"{record.accuracy:.4f}", record.environment, (record.commit or "")[:12], time)
        table.add_row(record.id, "yes" if live and record.id == live.id else "", *shown)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return _DONE


def _promote(chosen: argparse.Namespace) -> int:
    file = Path(f"Pulumi.{chosen.target}.yaml")
    _require_source(file, chosen.source, chosen.target)
    if chosen.release:
        record = choose(read_history(_history(chosen.target)), chosen.release, chosen.target)
    else:
        outputs = ask("stack", "output", "--stack", chosen.source, "--json") or {}
        record = ReleaseRecord.from_output(chosen.source, outputs.get("release"))
    _show_evidence(record, chosen.target)
    before = file.read_bytes()
    _pin(record if chosen.release else None, chosen.target, before)
    agreed = False
    try:
        options = ["--stack", chosen.target, "--refresh", *chosen.options]
        if show("preview", *options) != 0:
            return _FAILED
        agreed = chosen.yes or _ask(chosen.target)
        if not agreed:
            print("Not promoted.")
            return _REFUSED
        return show("up", *options, "--yes", "--skip-preview", "--message", write_message(record)) and _REFUSED
    finally:
        if not agreed:
            file.write_bytes(before)


def _require_source(file: Path, source: str, target: str) -> None:
    try:
        named = read(Path(), target).get("promoteFrom")
    except StackFileError as error:
        raise PromotionError(str(error)) from None
    if named != source:
        raise PromotionError(
            f"{file} lets stack '{target}' take the releases of {named or 'no other stack'}: "
            f"write `digits:promoteFrom: {source}` there to promote from '{source}'."
        )


def _pin(record: ReleaseRecord | None, target: str, before: bytes) -> None:
    """Hold the stack at an older release, so that a plain `pulumi up` does not take it forward again, or let it go."""
    if record:
        ask("config", "set", "--stack", target, _PIN, record.to_json())
    elif _PIN.encode() in before:
        ask("config", "rm", "--stack", target, _PIN)


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
    print(flush=True)


def _ask(target: str) -> bool:
    if not sys.stdin.isatty():
        raise PromotionError(f"Whether to deploy to '{target}' cannot be asked here: run it with YES=1 (--yes).")
    return input(f"Deploy this to {target}? Type the stack's name: ").strip() == target


def _history(stack: str) -> list[dict[str, Any]]:
    return ask("stack", "history", "--stack", stack, "--json", "--page", "1", "--page-size", _UPDATES) or []


if __name__ == "__main__":
    sys.exit(main())
