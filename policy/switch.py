"""Switches the policy pack on in a shell: `eval "$(python policy/switch.py STACK)"`, which `make env` is part of.

The CLI takes what --policy-pack and --policy-pack-config say from these variables too (3.208.0 and newer), so make's
targets, workflows and commands typed by hand are held against the pack alike. `policyEnabled: false` switches it off.
Exit codes: 0 printed, 2 the stack's files cannot be used.
"""

import argparse
import csv
import io
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rules import RULES

PACK = Path("policy")
KEY = "policyEnabled"
VARIABLES = ("PULUMI_OPTION_POLICY_PACK", "PULUMI_OPTION_POLICY_PACK_CONFIG")


class SwitchError(Exception):
    """The stack's files cannot be used; one sentence."""


def print_shell(project: Path, stack: str) -> Iterator[str]:
    """Yield the lines that a shell of this stack evaluates; raises SwitchError."""
    yield f"unset {' '.join(VARIABLES)}"
    if not is_enabled(project, stack):
        return
    paths = [project / PACK]
    config = PACK / "config" / f"{stack}.json"
    if (project / config).exists():
        require_known(project, config)
        paths.append(project / config)
    for variable, path in zip(VARIABLES, paths, strict=False):
        yield f"export {variable}={shlex.quote(_quote(path))}"


def is_enabled(project: Path, stack: str) -> bool:
    """Read the switch as Pulumi does: from the stack's file, else the default in Pulumi.yaml."""
    file = project / f"Pulumi.{stack}.yaml"
    declared = yaml.safe_load((project / "Pulumi.yaml").read_text(encoding="utf-8"))
    settings = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {} if file.exists() else {}
    value = settings.get(f"{declared['name']}:{KEY}", declared["config"][KEY]["default"])
    if str(value).lower() not in ("true", "false"):
        raise SwitchError(f"{KEY} is {json.dumps(value)}: write true or false in {file.name}.")
    return str(value).lower() == "true"


def require_known(project: Path, config: Path) -> None:
    """Refuse what the engine would silently pass over: policies and settings that do not exist; raises SwitchError."""
    try:
        chosen = json.loads((project / config).read_text(encoding="utf-8"))
    except ValueError as error:
        raise SwitchError(f"{config} is not JSON: {error}.") from None
    if not isinstance(chosen, dict):
        raise SwitchError(f"{config} is no object: write policies by name, as in policy/config/dev.json.")
    known: dict[str, set[str]] = {rule.name: {*rule.schema, "enforcementLevel"} for rule in RULES}
    for name, choice in chosen.items():
        if name not in known and name != "all":
            raise SwitchError(f"{config} names a policy '{name}', which there is not: write {', '.join(known)} or all.")
        unknown = _settings(choice) - known.get(name, {"enforcementLevel"})
        if unknown:
            raise SwitchError(
                f"{config} sets {', '.join(sorted(unknown))} of '{name}', which has no such setting: "
                f"write {', '.join(sorted(known.get(name, {'enforcementLevel'})))}."
            )


def _settings(choice: Any) -> set[str]:  # noqa: ANN401 (whatever JSON holds; the engine refuses wrong types)
    return set(choice) if isinstance(choice, dict) else set()


def _quote(path: Path) -> str:
    """Write the path as the CLI reads a list with one entry, so that a comma in it stays one."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([path])
    return line.getvalue()


def main() -> int:
    """Print the lines; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", help="the stack that the shell is for")
    stack = parser.parse_args().stack
    try:
        print("\n".join(print_shell(Path(__file__).parents[1], stack)))
    except (SwitchError, OSError, yaml.YAMLError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
