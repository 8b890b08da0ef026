"""Which service `digits evaluate` and `digits predict` take, and what they refuse to guess."""

from pathlib import Path

import pytest

from digits import datasets
from digits.__main__ import main
from digits.datasets import DatasetError

COMMANDS = (("evaluate",), ("predict", "one.png"))
URI = "http://127.0.0.1:9/score"


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--stack", ""], "There is no stack '': name one of az-dev, dev, prod, staging."),
        (["--stack", "../x"], "There is no stack '../x': name one of az-dev, dev, prod, staging."),
        (["--stack", "nosuch"], "There is no stack 'nosuch': name one of az-dev, dev, prod, staging, or write "),
        (["--outputs", ""], "--outputs cannot be read: "),
        (["--outputs", "nosuch.json"], "nosuch.json cannot be read: No such file or directory."),
        (["--stack", "dev", "--uri", URI], "--stack and --uri each name a service: give only one of them."),
        (["--uri", URI, "--outputs", "-"], "--uri and --outputs each name a service: give only one of them."),
    ],
)
def test_a_service_that_is_not_named_well_is_no_other_service(
    words: tuple[str, ...], options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make smoke STACK=$TARGET` without a TARGET does not judge the dev stack."""
    assert main([*words, *options]) == 2
    assert f"error: {sentence}" in capsys.readouterr().err


def test_an_empty_uri_is_not_the_dev_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty SCORING_URI in the environment is one that is not set."""
    assert main(["evaluate", "--uri", ""]) == 2
    assert "error: '' is not a scoring URI" in capsys.readouterr().err


def test_an_empty_stack_is_not_trained_for(capsys: pytest.CaptureFixture[str]) -> None:
    """As for every other command."""
    assert main(["train", "--stack", ""]) == 2
    assert "error: There is no stack ''" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["digits", "own.csv"])
def test_a_directory_that_nothing_is_read_from_is_refused(name: str, tmp_path: Path) -> None:
    """Only MNIST lies in one: `make smoke DIRECTORY=…` would otherwise score other rows than those there."""
    with pytest.raises(DatasetError, match=f"{name} is read from no directory: leave evaluationDirectory"):
        datasets.load(name, "test", directory=tmp_path)
