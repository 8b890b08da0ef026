"""What the bytes of the model depend on: data, parameters, code, and the versions of what is run.

The code is every module of this project that training imports, because any of them may change the data or the fit;
comments and layout do not count. Of the versions: liblinear is part of scikit-learn, its arithmetic is SciPy's BLAS,
numpy's arrays and joblib's wrapping of them are in the file. Of Python the minor version counts, which writes the
pickle and reads the code; a patch changes neither.
"""

import ast
import hashlib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_ENTRY = ("digits.training.order", "digits.training.model")
_CALLED = {
    "framework": "the framework",
    "frameworkVersion": "scikit-learn",
    "dataset": "the data",
    "parameters": "the parameters",
    "trainingCode": "the training code",
}


def write_recipe(
    dataset: str, digest: str, rows: int, parameters: Mapping[str, Any], libraries: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return everything that the model depends on; the libraries are those that write its format."""
    return {
        "framework": "ScikitLearn",
        "frameworkVersion": version("scikit-learn"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{library: version(library) for library in ("numpy", "scipy", "joblib", *libraries)},
        "dataset": {"name": dataset, "digest": digest, "rows": rows},
        "parameters": dict(parameters),
        "trainingCode": digest_code(),
    }


def find_change(written: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Say in what a recipe differs from the one that was written down, if it does."""
    if "trainingCode" not in written:
        return "an earlier version wrote the model and did not record its training code"
    changed = [
        f"{_CALLED.get(name, name)} changed"
        if isinstance(value, dict) or name not in written or name == "trainingCode"
        else f"{_CALLED.get(name, name)} is {value}, and it was {written[name]}"
        for name, value in now.items()
        if written.get(name) != value
    ]
    return "; ".join(changed) or None


def digest_code(root: Path = _ROOT, entry: tuple[str, ...] = _ENTRY) -> str:
    """Return the SHA-256 of every module below the root that these import, directly or not."""
    found: dict[str, str] = {}
    waiting = [*entry]
    while waiting:
        name = waiting.pop()
        path = next(filter(Path.is_file, _places(root, name)), None)
        if path is None or name in found:
            continue
        tree = ast.parse(path.read_bytes())
        found[name] = ast.dump(tree)
        waiting += _imported(tree, name if path.name == "__init__.py" else name.rpartition(".")[0])
    return hashlib.sha256("\0".join(f"{name}\0{found[name]}" for name in sorted(found)).encode()).hexdigest()


def _places(root: Path, name: str) -> list[Path]:
    path = root.joinpath(*name.split("."))
    return [path / "__init__.py", path.with_name(f"{path.name}.py")]


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield each name that may be a module, with the packages that it is in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = (
                ".".join([*parts[: len(parts) + 1 - node.level], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            names = [base or "", *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            pieces = name.split(".")
            yield from (".".join(pieces[: at + 1]) for at in range(len(pieces)))
