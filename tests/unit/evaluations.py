"""Evaluations for the tests: the true labels, the labels that were read, and fixed values for the rest."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from digits.datasets import Dataset
from digits.evaluation.smoke import Evaluation, Thresholds, metrics


def evaluated(truth: Sequence[int], read: Sequence[int], **changes: Any) -> Evaluation:
    """Return an evaluation of images with these true labels and these labels read."""
    labels = sorted({*truth, *read})
    evaluation = Evaluation(
        uri="http://127.0.0.1:8000/score",
        dataset="digits",
        digest="d" * 64,
        dataset_rows=len(truth),
        labels=tuple(labels),
        predictions=tuple(read),
        misses=tuple(
            (row, true, now, None) for row, (true, now) in enumerate(zip(truth, read, strict=True)) if true != now
        ),
        latencies_ms=tuple(float(taken) for taken in range(1, 101)),
        seconds=1.25,
        body="uint8",
        retries=0,
        time="2026-01-01T00:00:00+00:00",
        thresholds=Thresholds(minimum_accuracy=0.75),
        **metrics(list(truth), list(read), labels),
    )
    return dataclasses.replace(evaluation, **changes)


def zeros_ones_and_eights(**changes: Any) -> Evaluation:
    """Return one of 200 images, 41 eights of which were read as ones."""
    counts = {(0, 0): 48, (0, 8): 2, (1, 0): 1, (1, 1): 49, (8, 1): 41, (8, 8): 59}
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    return evaluated([true for true, _ in pairs], [read for _, read in pairs], **changes)


def images_of(labels: Sequence[int], name: str = "digits", digest: str = "d" * 64) -> Dataset:
    """Return a data set with these labels, in which each image is different."""
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 784), dtype=np.uint8)
    return Dataset(name, images, np.array(labels, np.uint8), digest)
