"""Who works and what is open when, remembered day by day for as long as a catalog is true."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from booking_core.rules.schedule import Schedule, planned_day, usual_day
from booking_core.rules.spans import Span, merge, overlap, subtract

#: Days that are remembered of all people together; then they are forgotten (about 30 MB).
_MOST = 200_000
#: Whoever asks for days so far from those that are known begins anew.
_FAR = 400
#: Days that are learned together.
_BLOCK = 32
#: A day that ends after midnight ends on another one.
_LAST = date.max.toordinal() - _BLOCK


class _Days:
    """Days of one schedule that follow each other, and their spans in one row: any stretch of them is a slice."""

    def __init__(self, day_of: Callable[[date], Sequence[Span]]) -> None:
        self._day_of = day_of
        self._first = 0
        self._spans: list[Span] = []
        #: Where the spans of each day begin, and where the last one's end.
        self._begins = [0]
        self._touching = False

    def __len__(self) -> int:
        return len(self._begins) - 1

    def between(self, first: int, last: int) -> list[Span]:
        """Return the merged spans of days by their number, both included."""
        if not len(self) or first < self._first - _FAR or last >= self._first + len(self) + _FAR:
            self._first, self._spans, self._begins, self._touching = first, [], [0], False
        if first < self._first or last >= self._first + len(self):
            # Months at a time: who asks for one day asks for others around it.
            first_block = max(1, first - first % _BLOCK)
            last_block = min(_LAST, last + _BLOCK - 1 - last % _BLOCK)
            self._learn(min(first_block, self._first), max(last, last_block, self._first + len(self) - 1))
        spans = self._spans[self._begins[first - self._first] : self._begins[last + 1 - self._first]]
        return merge(spans) if self._touching else spans

    def _learn(self, first: int, last: int) -> None:
        """Know all days from one to another, those that are known already among them."""
        before = [self._day_of(date.fromordinal(day)) for day in range(first, self._first)]
        after = [self._day_of(date.fromordinal(day)) for day in range(self._first + len(self), last + 1)]
        counts = [len(day) for day in before]
        counts += [end - begin for begin, end in zip(self._begins, self._begins[1:], strict=False)]
        counts += [len(day) for day in after]
        self._first = first
        self._spans = [
            *(span for day in before for span in day),
            *self._spans,
            *(span for day in after for span in day),
        ]
        self._begins = [0]
        for count in counts:
            self._begins.append(self._begins[-1] + count)
        # With a zone that moves a day may reach into the next; a day without an end always does.
        self._touching = any(
            later[0] <= earlier[1] for earlier, later in zip(self._spans, self._spans[1:], strict=False)
        )


class Hours:
    """The schedules of people, resources and places, by id."""

    def __init__(self, schedules: Mapping[UUID, Schedule]) -> None:
        self._schedules = schedules
        self._away = {whose: merge(schedule.away) for whose, schedule in schedules.items() if schedule.away}
        self._planned: dict[UUID, _Days] = {}
        self._usual: dict[UUID, _Days] = {}
        self._learned = 0

    def __contains__(self, whose: UUID) -> bool:
        """Whether there are hours of this person or thing at all."""
        return whose in self._schedules

    def schedule(self, whose: UUID) -> Schedule:
        """Return the schedule behind the hours; KeyError if there is none."""
        return self._schedules[whose]

    def working(self, whose: UUID, first: date, last: date) -> list[Span]:
        """Return merged spans of real working time on local dates, both included; without a schedule none."""
        away = self._away.get(whose)
        planned = self._between(self._planned, planned_day, whose, first, last)
        return subtract(planned, away) if away else planned

    def usual(self, whose: UUID, first: date, last: date) -> list[Span]:
        """Return merged spans of what the house expects, whatever the person's own plans are."""
        return self._between(self._usual, usual_day, whose, first, last)

    def is_ever_away(self, whose: UUID) -> bool:
        """Whether a person or thing has any time off at all."""
        return whose in self._away

    def is_away(self, whose: UUID, start: int, end: int) -> bool:
        """Whether a person or thing has time off between two minutes."""
        return overlap(self._away.get(whose, ()), start, end)

    def _between(
        self,
        known: dict[UUID, _Days],
        day_of: Callable[[Schedule, date], Sequence[Span]],
        whose: UUID,
        first: date,
        last: date,
    ) -> list[Span]:
        days = known.get(whose)
        if days is None:
            schedule = self._schedules.get(whose)
            if schedule is None:
                return []
            days = known[whose] = _Days(lambda day: day_of(schedule, day))
        before = len(days)
        spans = days.between(first.toordinal(), last.toordinal())
        self._learned += len(days) - before
        if self._learned > _MOST:
            self._planned.clear()
            self._usual.clear()
            self._learned = 0
        return spans
