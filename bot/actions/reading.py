"""What one message adds to the form, while it is being read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nlu.contract import Answer


@dataclass(slots=True)
class Reading:
    """Slots to remember, words to say, and whether the chosen time must be found again."""

    remember: dict[str, Any] = field(default_factory=dict)
    say: list[Mapping[str, Any]] = field(default_factory=list)
    #: Something that decides the time changed: the chosen time must be found again.
    search: bool = False

    def answer(self, **extra: Any) -> Answer:
        """Return the answer of the form's validation."""
        return Answer(say=tuple(self.say), remember=self.remember, **extra)
