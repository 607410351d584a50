"""Whether a reading is right, by the rules that the cases come with (first, wrong, missed)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Span = tuple[datetime | None, datetime | None]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_CLOCKS = ("second", "minute", "hour")
_POINTS = ("instant", "duration-relative", "holiday")


@dataclass
class Tally:
    """How many texts were read right, wrongly and not at all."""

    texts: int = 0
    first: int = 0
    wrong: int = 0

    def add(self, case: dict[str, Any], spans: list[Span]) -> None:
        """Count one text by its first reading: a wrong answer costs a customer more than none."""
        self.texts += 1
        if spans and is_right(case, spans[0]):
            self.first += 1
        elif spans:
            self.wrong += 1

    def shares(self) -> tuple[float, float, float]:
        """Return first, wrong and missed in percent."""
        missed = self.texts - self.first - self.wrong
        first, wrong, lost = (100 * count / max(1, self.texts) for count in (self.first, self.wrong, missed))
        return first, wrong, lost


def is_right(case: dict[str, Any], span: Span) -> bool:
    """Tell whether a reading is one of those that the case accepts."""
    now = datetime.fromisoformat(case["now"])
    return any(_matches(entry, case["kind"], now, span) for entry in case["expect"])


def _matches(entry: dict[str, Any], kind: str, now: datetime, span: Span) -> bool:
    start, end = _moment(entry["start"]), _moment(entry["end"])
    first, last = span
    if (_minute(start), _minute(end)) == (_minute(first), _minute(last)):
        return True
    if entry["grain"] in _CLOCKS and kind in _POINTS and start and end and end - start <= _HOUR:
        same = first is not None and _minute(first) == _minute(start)
        return same and first is not None and last is not None and timedelta() <= last - first <= _HOUR
    if entry.get("fuzzy") and _is_near(entry["fuzzy"], (start, end), span):
        return True
    return _runs_already((start, end), span, now)


def _is_near(fuzzy: str, wanted: Span, span: Span) -> bool:
    """A part of a day, a weekend or an early or late stretch has no exact bounds."""
    (start, end), (first, last) = wanted, span
    if start and end:
        if not first or not last or last <= first:
            return False
        length, got = end - start, last - first
        if fuzzy == "daypart":
            sensible = min(2 * _HOUR, length) / 2 <= got <= 12 * _HOUR
        elif fuzzy == "weekend":
            sensible = _DAY <= got <= 80 * _HOUR
        else:
            sensible = length / 4 <= got <= length * 2.5
        return sensible and min(end, last) - max(start, first) >= min(length, got) / 2
    if (start is None, end is None) != (first is None, last is None):
        return False
    one, other = (end, last) if start is None else (start, first)
    slack = 3 * _HOUR if fuzzy == "daypart" else 15 * _DAY
    return bool(one and other) and abs(one - other) <= slack  # type: ignore[operator]


def _runs_already(wanted: Span, span: Span, now: datetime) -> bool:
    """The past part of what has begun does not matter to a booking."""
    (start, end), (first, last) = wanted, span
    if (end and end <= now) or (start and start > now) or _minute(end) != _minute(last):
        return False
    if start and end and end - start <= _HOUR:
        return False
    if first is None:
        return start is None or _minute(start) == _minute(now)
    midnight = now.replace(hour=0, minute=0, second=0)
    return min(start or now, midnight) <= first <= now + timedelta(minutes=1)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _minute(moment: datetime | None) -> datetime | None:
    return moment.replace(second=0) if moment else None
