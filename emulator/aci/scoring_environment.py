"""The environment that a web service's server runs in, with notes for its owner."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.runtime import environment
from emulator.aci import wheels
from emulator.azureml.artifacts import Artifacts

_log = logging.getLogger("emulator.scoring_environment")
_WARNING = "WARNING: "


@dataclass(frozen=True)
class ScoringEnvironment:
    """The environment's Python, and sentences for the container's log if it is not the one asked for."""

    python: Path
    notes: tuple[str, ...]


def build(
    directory: Path, artifacts: Artifacts, service: str, conda: Mapping[str, Any], report: Callable[[str], None]
) -> ScoringEnvironment:
    """Make the environment of this service's conda definition; private wheels are kept in the directory."""
    notes: list[str] = []

    def note(sentence: str) -> None:
        report(sentence)
        notes.append(sentence)
        if sentence.startswith(_WARNING):
            _log.warning("Web service %s: %s", service, sentence.removeprefix(_WARNING))

    venv = environment.build(wheels.place(conda, directory / "wheels", artifacts), report, note)
    return ScoringEnvironment(venv / "bin" / "python", tuple(notes))
