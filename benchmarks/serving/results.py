"""Medians of the figures, ratios to the tutorial's score.py within the same repeat, and the goals."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.serving.lanes import BASELINE, FLOAT32_LANE, JSON_LANE, UINT8_LANE
from benchmarks.serving.measurement import CLIENTS, Samples

LARGEST = 10_000


@dataclass(frozen=True)
class Ratio:
    """Times the tutorial's: above 1 is better. One number of each repeat, from the smallest to the largest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Ratio":
        """Sum up one number of each repeat."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """A goal and its measured ratio, both in times the tutorial's score.py."""

    what: str
    goal: float
    measured: Ratio

    @property
    def is_met(self) -> bool:
        """Whether it is reached."""
        return self.measured.median >= self.goal


def speedup(samples: Samples, lane: str, size: int) -> Ratio:
    """Return how many times faster than the baseline one client is answered."""
    pairs = zip(samples.latency[BASELINE][size], samples.latency[lane][size], strict=True)
    return Ratio.of([statistics.median(baseline) / statistics.median(times) for baseline, times in pairs])


def gain(samples: Samples, lane: str, size: int) -> Ratio:
    """Return how many times the baseline's requests per second are answered."""
    pairs = zip(samples.throughput[BASELINE][size], samples.throughput[lane][size], strict=True)
    return Ratio.of([rate / baseline for baseline, rate in pairs])


def percentiles(samples: Samples, lane: str, size: int) -> tuple[float, float]:
    """Return p50 and p99 in seconds, over all repeats; p99 of fewer than 100 is the longest."""
    times = sorted(time for repeat in samples.latency[lane][size] for time in repeat)
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]


def goals(samples: Samples) -> list[Goal]:
    """Return the goals, each with the ratio of this run."""
    return [
        Goal("JSON, 10,000 rows, latency", 12, speedup(samples, JSON_LANE, LARGEST)),
        Goal("JSON, 1 row, latency", 4, speedup(samples, JSON_LANE, 1)),
        Goal("float32 body, 10,000 rows, latency", 50, speedup(samples, FLOAT32_LANE, LARGEST)),
        Goal("uint8 body, 10,000 rows, latency", 150, speedup(samples, UINT8_LANE, LARGEST)),
        Goal(f"JSON, 1 row, requests/s with {CLIENTS} clients", 8, gain(samples, JSON_LANE, 1)),
    ]


def to_json(samples: Samples) -> dict[str, Any]:
    """Return every lane's figures: milliseconds, requests per second, megabytes, and ratios with least and most."""
    lanes = {
        lane: {
            "latency": {
                str(size): {
                    "p50Ms": round(1e3 * percentiles(samples, lane, size)[0], 4),
                    "p99Ms": round(1e3 * percentiles(samples, lane, size)[1], 4),
                    "timesTutorial": asdict(speedup(samples, lane, size)),
                }
                for size in sizes
            },
            "throughput": {
                str(size): {
                    "perSecond": round(statistics.median(rates), 1),
                    "timesTutorial": asdict(gain(samples, lane, size)),
                }
                for size, rates in samples.throughput.get(lane, {}).items()
            },
            **_memory(samples, lane),
        }
        for lane, sizes in samples.latency.items()
    }
    return {"lanes": lanes, "goals": [{**asdict(goal), "met": goal.is_met} for goal in goals(samples)]}


def _memory(samples: Samples, lane: str) -> dict[str, Any]:
    if lane not in samples.memory:
        return {}
    at_rest, peak = samples.memory[lane]
    return {"memory": {"atRestMb": round(at_rest / 1e6), "peakMb": round(peak / 1e6)}}
