"""Faults of score.py that no batch shows, under the real inference server: the evaluation finds them."""

import re
from pathlib import Path

import pytest

from digits import datasets
from digits.evaluation.smoke import evaluate
from tests.integration.deployed import digits_model, serving, write_package

RIGHT = "encode(labels, request)"
WRONG = "encode(labels * 0 + 7, request)"
FAULTS = {
    "single rows": ("len(labels) == 1", r"and as 7 as uint8 by itself"),
    "JSON": ("'json' in (request.content_type or '')", r"and as 7 as JSON in a batch"),
    "float32": ("'octet-stream' in (request.content_type or '')", r"and as 7 as float32 in a batch"),
    "after a worker's first two requests": ("next(served) >= 2", r"and as 7 as uint8 by itself"),
    "one of two workers": ("is_second", r"and as \d as uint8 (by itself|in a batch)"),
}
STATE = """
import itertools
served = itertools.count()
try:
    (HERE / "first-worker").touch(exist_ok=False)
    is_second = False
except FileExistsError:
    is_second = True
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the scoring package and its model."""
    write_package(tmp_path, digits_model(), datasets.load("digits", "train"))
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_is_wrong_in_one_way_only_fails_the_evaluation(package: Path, fault: str) -> None:
    """The labels of the batches may all be right."""
    condition, sentence = FAULTS[fault]
    script = package / "scoring" / "score.py"
    text = script.read_text()
    assert text.count(RIGHT) == 1
    script.write_text(text.replace(RIGHT, f"{WRONG} if {condition} else {RIGHT}") + STATE)
    # The system chooses the worker of each connection, so both workers may need more than one evaluation.
    attempts = 20 if fault == "one of two workers" else 1
    with serving(package) as service:
        for _ in range(attempts):
            evaluation = evaluate(service.running.scoring_uri, None, datasets.load("digits", "test"))
            if not evaluation.passed:
                break
    assert not evaluation.passed
    assert "The service contradicts itself (agreement): it read row " in evaluation.verdict
    assert re.search(sentence, evaluation.verdict), evaluation.verdict


def test_the_package_that_is_deployed_agrees_with_itself(package: Path) -> None:
    """In all three forms, singly and in batches, and with probabilities."""
    with serving(package) as service:
        evaluation = evaluate(service.running.scoring_uri, None, datasets.load("digits", "test"))
    assert evaluation.passed
    assert evaluation.agreement.forms == ("uint8", "json", "float32")
    assert not evaluation.agreement.disagreements
    assert evaluation.agreement.answers > 200
