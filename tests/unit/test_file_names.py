"""A file name means one thing in the whole repository, and modules do not import each other in circles."""

import ast
import subprocess
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.unit.test_rooms import ROOT

WIRE = "both sides of one wire: the SDK's door and the emulator's answers have the same noun"
SDK_SCRIPT = "a user's script for the SDK, named after what it plays through"
PROVIDER = "state refers to the dynamic provider's module by this name"
# Each stem that stands more than once, with the reason.
REPEATED = {
    "__init__": "Python's own",
    "__main__": "Python's own",
    "conftest": "pytest's own",
    "environment": PROVIDER,
    "environments": WIRE,
    "failures": SDK_SCRIPT,
    "login": SDK_SCRIPT,
    "model": PROVIDER,
    "models": WIRE,
    "release": PROVIDER,
    "services": WIRE,
    "tls": SDK_SCRIPT,
    "tutorial": "the tutorial's service in the benchmark, and the tutorial's script for the SDK",
}


def modules() -> list[Path]:
    """Return the Python files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [Path(name) for name in listed.stdout.split("\0") if name]


def dotted(path: Path) -> str:
    """Return the name by which a module is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, known: set[str]) -> set[str]:
    """Return the modules of the repository that one imports anywhere: in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(names & known)
            if names - known:
                found.add(node.module)
    return (found & known) - {dotted(path)}


def test_a_file_name_means_one_thing() -> None:
    """A stem stands once, or twice for a reason that is given here."""
    places = defaultdict(list)
    for path in modules():
        places[path.stem].append(str(path))
    repeated = {stem: paths for stem, paths in places.items() if len(paths) > 1}
    assert {stem: paths for stem, paths in repeated.items() if stem not in REPEATED} == {}
    assert REPEATED.keys() - repeated.keys() == set(), "no reason is given for what does not repeat"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """An import in a function or for types counts, because it hides a circle and does not break it."""
    known = {dotted(path) for path in modules()}
    graph = {dotted(path): imported(path, known) for path in modules()}
    assert "digits.evaluation.measured" in graph["digits.evaluation.comparison"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None
