"""An emulator of an earlier version that still runs when a new one's command asks it."""

import os
from pathlib import Path

import pytest

from emulator.host import status
from emulator.host.instance import EmulatorError, Record


def test_an_emulator_of_another_version_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its answer lacks fields; stopping it loses nothing, as its state is kept."""
    monkeypatch.setattr("emulator.host.instance.ask", lambda *_about: {"services": [], "unknownRoutes": []})
    record = Record(os.getpid(), 0.0, 1, 2, "0.1.0")
    with pytest.raises(EmulatorError, match="stop it with `azureml-emulator stop` and start it again"):
        status.ask(tmp_path, record)
