"""The numbers that a setting may be, which its type in Pulumi.yaml cannot say: the section `bounds` of Pulumi.yaml.

The check of a stack's file and the program read this one table.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bounds:
    """The bounds of one number; `taken_by` names who sets them, if that is not this project."""

    minimum: float = -math.inf
    maximum: float = math.inf
    above: float = -math.inf
    taken_by: str = ""
    is_whole: bool = False
    may_be_empty: bool = False

    @classmethod
    def declared(cls, bounds: Mapping[str, Any], declaration: Mapping[str, Any]) -> "Bounds":
        """Return the bounds of a setting, from Pulumi.yaml's two entries for it."""
        return cls(
            minimum=bounds.get("minimum", -math.inf),
            maximum=bounds.get("maximum", math.inf),
            above=bounds.get("exclusiveMinimum", -math.inf),
            taken_by=bounds.get("takenBy", ""),
            is_whole=declaration["type"] == "integer",
            may_be_empty=declaration["default"] == "",
        )

    def parse(self, text: str) -> float:
        """Return the number that the text is; raises ValueError for a text that is none."""
        return int(text) if self.is_whole else float(text)

    def check(self, text: str) -> tuple[str, str] | None:
        """Return the mistake in a value and its fix, as two parts of a sentence; None for a good value."""
        if not text and self.may_be_empty:
            return None
        try:
            value = self.parse(text)
        except ValueError:
            return f"is '{text}'", f"write {self._kind}"
        if math.isfinite(value) and self.minimum <= value <= self.maximum and value > self.above:
            return None
        if self._is_fraction:
            is_percentage = self.maximum < value <= 100  # noqa: PLR2004 (per cent)
            return f"is {value:g}, but it is a fraction", f"write {value / 100:g}" if is_percentage else "write 0 to 1"
        if self.taken_by:
            return (
                f"is {value:g}, but {self.taken_by} takes {self.minimum:g} to {self.maximum:g}",
                "write such a number",
            )
        return f"is {value:g}", f"write {self._range}"

    @property
    def _is_fraction(self) -> bool:
        return (self.minimum, self.maximum) == (0, 1)

    @property
    def _kind(self) -> str:
        return "a fraction such as 0.9" if self._is_fraction else "a whole number" if self.is_whole else "a number"

    @property
    def _range(self) -> str:
        if math.isfinite(self.above):
            return f"a number above {self.above:g}"
        return f"{self.minimum:g} or more" if math.isinf(self.maximum) else f"{self.minimum:g} to {self.maximum:g}"
