"""Switches the policy pack on: `digits env` and every command of `digits` set the variables that are chosen here.

The CLI (3.208.0 and newer) reads --policy-pack and --policy-pack-config from these variables too. So the pack checks
commands of `digits`, workflows and commands that are typed by hand. `policyEnabled: false` switches it off.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rules import RULES

import digits.stack as stack_file
from digits.stack.keys import find_nearest

PACK = Path("infra/policy")
KEY = "policyEnabled"
LEVELS = ("mandatory", "advisory", "disabled")
VARIABLES = ("PULUMI_OPTION_POLICY_PACK", "PULUMI_OPTION_POLICY_PACK_CONFIG")


class SwitchError(Exception):
    """The stack's files cannot be used; each mistake is one line with one sentence."""


def choose(project: Path, stack: str) -> Iterator[tuple[str, str | None]]:
    """Yield each variable with its value, None if it must not be set; raises SwitchError and StackFileError."""
    values: list[str] = []
    if str(stack_file.read(project, stack).get(KEY)).lower() == "true":
        values.append(_quote(project / PACK))
        config = PACK / "config" / f"{stack}.json"
        require_stacks(project)
        if (project / config).exists():
            require_known(project, config)
            values.append(_quote(project / config))
    yield from zip_longest(VARIABLES, values)


def require_stacks(project: Path) -> None:
    """Refuse a policy configuration that no stack reads because of its name; raises SwitchError."""
    for file in sorted((project / PACK / "config").glob("*.json")):
        if not (project / f"Pulumi.{file.stem}.yaml").exists():
            known = [path.name.removeprefix("Pulumi.")[:-5] for path in sorted(project.glob("Pulumi.*.yaml"))]
            fix = f"name it {_suggest(file.stem, known)}.json, or remove it"
            raise SwitchError(f"{PACK / 'config' / file.name} belongs to no stack: {fix}.")


def require_known(project: Path, config: Path) -> None:
    """Refuse policies and settings that do not exist, which the engine would ignore; raises SwitchError."""
    try:
        chosen = json.loads((project / config).read_text(encoding="utf-8"), object_pairs_hook=_Pairs)
    except ValueError as error:
        raise SwitchError(f"{config} is not JSON ({error}): correct it there.") from None
    if not isinstance(chosen, _Pairs):
        raise SwitchError(f"{config} is no object: write policies by name, as in infra/policy/config/dev.json.")
    problems = list(_find_problems(chosen))
    if problems:
        raise SwitchError("\n".join(f"{config} {said}." for said in problems))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its pairs, also of repeated names."""


def _find_problems(chosen: _Pairs) -> Iterator[str]:
    known: Mapping[str, Mapping[str, object]] = {rule.name: rule.schema for rule in RULES} | {"all": {}}
    yield from _find_repeated("", chosen)
    for name, choice in chosen:
        if name not in known:
            yield f"names a policy '{name}', which does not exist: write {_suggest(name, known)}"
        elif isinstance(choice, _Pairs):
            settings = [*known[name], "enforcementLevel"]
            yield from _find_repeated(f"{name}, ", choice)
            for setting, value in choice:
                if setting not in settings:
                    yield f"sets {setting} of '{name}', which has no such setting: write {_suggest(setting, settings)}"
                elif setting == "enforcementLevel":
                    yield from _check_level(name, value)
        else:
            yield from _check_level(name, choice)


def _find_repeated(where: str, pairs: _Pairs) -> Iterator[str]:
    names = [name for name, _ in pairs]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"has {where}{name} twice: keep one of the two"


def _check_level(name: str, level: object) -> Iterator[str]:
    if level not in LEVELS:
        yield f"gives '{name}' the level {json.dumps(level)}: write {_suggest(str(level), LEVELS)}"


def _suggest(word: str, known: Iterable[str]) -> str:
    *others, last = known
    return find_nearest(word, [*others, last]) or (f"{', '.join(others)} or {last}" if others else last)


def _quote(path: Path) -> str:
    """Return the path as a list with one entry in the CLI's form, so that a comma does not split it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([path])
    return line.getvalue()
