"""What was measured: rows with their targets, as a table and as JSON."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One number; with a target it is met or missed."""

    part: str
    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    def line(self) -> str:
        """Return the row of the table."""
        told = ""
        if self.met is not None:
            sign, bound = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
            told = f"  {sign} {bound:g}: {'met' if self.met else 'MISSED'}"
        return f"  {self.name:58}{shown(self.value):>10} {self.unit:4}{told}".rstrip()


@dataclass
class Report:
    """Figures in the order in which they were found; each part is printed as soon as it is done."""

    write: Callable[[str], object]
    figures: list[Figure] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def part(self, title: str, figures: Sequence[Figure]) -> None:
        """Add a part and print it."""
        self.figures += figures
        self.write("\n".join(["", title, *(one.line() for one in figures)]) + "\n")

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        told = {"about": self.about, "figures": [asdict(one) | {"met": one.met} for one in self.figures]}
        path.write_text(json.dumps(told, indent=2) + "\n")


def shown(value: float) -> str:
    """Return a number with three figures that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def median(values: Sequence[float]) -> float:
    """Return the median, of a list or of nothing."""
    return statistics.median(values) if values else 0.0
