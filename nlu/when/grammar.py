"""All rules of a locale, compiled once: text in, meanings with their places in the text out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nlu.when.clocks import BARE_CLOCKS, CLOCKS, LED_CLOCKS
from nlu.when.dates import DATES
from nlu.when.days import DAYS
from nlu.when.hours import HOURS
from nlu.when.lengths import LENGTHS
from nlu.when.lexicon import Lexicon, load_lexicon
from nlu.when.parts import AMBIGUOUS_PARTS, PARTS
from nlu.when.pattern import Context, Grammar
from nlu.when.periods import PERIODS
from nlu.when.points import AMOUNTS, POINTS
from nlu.when.spans import BETWEENS, OPEN_STRETCHES, SHARED_MONTHS, STRETCHES
from nlu.when.tokens import Token, tokenize

STAGES = (
    CLOCKS,
    LENGTHS,
    DATES,
    AMBIGUOUS_PARTS,
    PERIODS,
    DAYS,
    PARTS,
    SHARED_MONTHS,
    AMOUNTS,
    HOURS,
    BARE_CLOCKS,
    LED_CLOCKS,
    STRETCHES,
    POINTS,
    POINTS,
    POINTS,
    BETWEENS,
    OPEN_STRETCHES,
)

# Minutes of the day; a language file may set its own.
_PARTS = {
    "dawn": (0, 360), "early": (360, 540), "morning": (480, 720), "forenoon": (540, 720), "midday": (720, 840),
    "lunch": (720, 840), "afternoon": (720, 1080),
    "evening": (1080, 1320), "night": (1200, 1440), "before_lunch": (540, 780),
    "after_breakfast": (540, 720), "after_lunch": (780, 1020),
    "after_work": (1020, 1260), "after_school": (900, 1140),
    "day": (540, 1080), "day_start": (420, 600), "day_mid": (660, 960), "day_end": (1020, 1260), "breakfast": (420,
    600), "dinner": (1140, 1320), "open": (540, 600), "close": (1020, 1080),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Language:
    """A lexicon with its compiled grammar and the hours of its day parts."""

    lexicon: Lexicon
    grammar: Grammar
    parts: Mapping[str, tuple[int, int]]
    literal_hours: bool

    def read(
        self, text: str, *, latent: bool, names: Collection[str] = (), today: int | None = None
    ) -> tuple[list[Token], list[int] | None]:
        """Return the tokens that are left when all rules have run, and the offsets back into the text."""
        tokens, offsets = tokenize(text, self.lexicon, names)
        habits = self.lexicon.data.get("habits", {})
        near = int(habits.get("days_for_number", 60))
        context = Context(self.lexicon.language, habits, self.lexicon.order, latent, near, today)
        return self.grammar.apply(tokens, context), offsets


@lru_cache(maxsize=64)
def load_language(locale: str) -> Language:
    """Return the grammar for a locale."""
    lexicon = load_lexicon(locale)
    data: Mapping[str, Any] = lexicon.data
    region = locale.replace("_", "-").partition("-")[2].upper()
    shapes = {**data.get("shapes", {}), **data.get("regional_shapes", {}).get(region, {})}
    grammar = Grammar(STAGES, lexicon.kinds, shapes, data.get("drop_rules", ()))
    hours = {
        name: (round(float(start) * 60), round(float(end) * 60)) for name, (start, end) in data.get("hours", {}).items()
    }
    return Language(lexicon, grammar, {**_PARTS, **hours}, bool(data.get("habits", {}).get("literal_hours")))
