"""What the grammar answers: windows of local wall time, and what a dialogue does with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Window:
    """One reading of when: local wall time of the asked zone, half-open, None = open side."""

    start: datetime | None
    end: datetime | None
    grain: str
    text: str
    span: tuple[int, int]
    approx: bool = False
    past: bool = False
    gap: bool = False
    fold: bool = False
    relative_to_reference: bool = False
    #: Whether the words name a day; False for a bare clock or part of day ("at 4", "in the evening").
    dated: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values only."""
        return asdict(self) | {
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "span": list(self.span),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Window:
        """Rebuild a window from what `to_json` gave."""
        fields = dict(data)
        for side in ("start", "end"):
            fields[side] = datetime.fromisoformat(fields[side]) if fields[side] else None
        fields["span"] = (int(data["span"][0]), int(data["span"][1]))
        return Window(**fields)


@dataclass(frozen=True, slots=True)
class When:
    """Everything a message says about time: ranked readings, the set it means, and what it rules out."""

    windows: tuple[Window, ...] = ()
    choices: tuple[Window, ...] = ()
    exclusions: tuple[Window, ...] = ()
    ambiguity: str | None = None
    asap: bool = False

    @property
    def dated(self) -> bool:
        """Whether any of the words name a day."""
        return any(window.dated for window in (*self.choices, *self.exclusions))

    def to_json(self) -> dict[str, Any]:
        """Return a dict of JSON values only, so that a dialogue slot can hold it."""
        return {
            "windows": [window.to_json() for window in self.windows],
            "choices": [window.to_json() for window in self.choices],
            "exclusions": [window.to_json() for window in self.exclusions],
            "ambiguity": self.ambiguity,
            "asap": self.asap,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> When:
        """Rebuild an answer from what `to_json` gave."""
        return When(
            windows=tuple(Window.from_json(item) for item in data["windows"]),
            choices=tuple(Window.from_json(item) for item in data["choices"]),
            exclusions=tuple(Window.from_json(item) for item in data["exclusions"]),
            ambiguity=data["ambiguity"],
            asap=bool(data["asap"]),
        )
