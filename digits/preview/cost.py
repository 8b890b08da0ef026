"""A hint at what a stack costs a month on Azure, from the published prices in prices.json."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.engine.events import Preview, Step
from infra.service_definition import HELPER_CPU_CORES, HELPER_MEMORY_GB

_HOURS, _DAYS = 730, 365 / 12  # of a month
PRICES: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Cost:
    """US dollars a month, now and after the change, by resource; None if the resource does not exist."""

    items: Mapping[str, tuple[float | None, float | None]]

    @property
    def total(self) -> tuple[float, float]:
        """The sum, now and after the change."""
        before, after = (sum(amounts[at] or 0 for amounts in self.items.values()) for at in (0, 1))
        return before, after


def estimate(preview: Preview) -> Cost:
    """Return the cost of the resources that are billed by time."""
    priced: dict[str, Callable[[Mapping[str, Any]], float | None]] = {"webservice": _container, "registry": _registry}
    steps = {name: step for name in priced if (step := preview.step(name))}
    return Cost({name: _both(step, priced[name]) for name, step in steps.items()})


def _both(step: Step, price: Callable[[Mapping[str, Any]], float | None]) -> tuple[float | None, float | None]:
    before, after = (price(values) if values else None for values in (step.live, step.after))
    return before, after


def _container(inputs: Mapping[str, Any]) -> float:
    prices = PRICES["containerInstances"]
    # Azure ML's own containers in the group are billed with it.
    cores, memory = inputs["cpuCores"] + HELPER_CPU_CORES, inputs["memoryGb"] + HELPER_MEMORY_GB
    hourly = cores * prices["perCoreHour"] + memory * prices["perGbHour"]
    return float(_HOURS * hourly)


def _registry(inputs: Mapping[str, Any]) -> float | None:
    daily = PRICES["containerRegistry"]["perDay"].get(inputs["sku"]["name"])
    return None if daily is None else float(_DAYS * daily)
