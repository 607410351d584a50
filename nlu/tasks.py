"""Two tasks in one message ("book Friday at 10 and cancel my Tuesday one"): each with its own facts. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from nlu.contract import Entity, Task
from nlu.meaning import Guess
from nlu.when import When, Window

#: Clauses that surely begin a task of their own.
_SURE = 0.75
_FIRST_SURE = 0.5
_DOING = {"book", "reschedule", "cancel"}
_WISHING = {"book", "inform"}


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the text that is about one task."""

    intent: str
    start: int
    end: int


def later_tasks(
    text: str, clauses: Sequence[str], guesses: Sequence[Guess], services: Sequence[int]
) -> tuple[Region, ...]:
    """Return the tasks to do after the first: a new booking is made before another is given up.

    `services`: where services are named; a clause that names one may be a wish without a verb.
    """
    regions: list[Region] = []
    position = 0
    for clause, guess in zip(clauses, guesses, strict=True):
        start = text.find(clause, position)
        if start < 0:
            return ()
        position = start + len(clause)
        sure = _FIRST_SURE if guess.intent == "book" and not regions else _SURE
        intent = guess.intent if guess.intent in _DOING and guess.confidence >= sure else None
        if not regions and guess.intent in _WISHING and any(start <= one < position for one in services):
            intent = "book"
        if intent is None or (regions and regions[-1].intent == intent):
            continue
        if regions:
            regions[-1] = replace(regions[-1], end=start)
        regions.append(Region(intent, start, len(text)))
    kinds = {region.intent for region in regions}
    if "book" not in kinds or len(kinds) < 2 or len(regions) != len(kinds):
        return ()
    return tuple(region for region in regions if region.intent != "book")


def first_of(whole: Guess, guesses: Sequence[Guess], later: Sequence[Region]) -> Guess:
    """Return what the message is about first: beside a later task, the booking."""
    if not later:
        return whole
    wishes = [guess for guess in guesses if guess.intent in _WISHING]
    return Guess("book", max((guess.confidence for guess in wishes), default=whole.confidence))


def dealt(
    entities: tuple[Entity, ...], when: When | None, later: Sequence[Region]
) -> tuple[tuple[Entity, ...], When | None, tuple[Task, ...]]:
    """Deal facts and times to the tasks whose words hold them; what remains is the first task's."""
    then = tuple(
        Task(
            region.intent,
            tuple(entity for entity in entities if _holds(region, entity.start)),
            _part(when, partial(_holds, region)),
        )
        for region in later
    )
    kept = tuple(entity for entity in entities if not any(_holds(region, entity.start) for region in later))
    return kept, _part(when, lambda start: not any(_holds(region, start) for region in later)), then


def beside_names(when: When | None, entities: Sequence[Entity]) -> When | None:
    """Return what is said of time outside of the customer's name: "Reyes" is also a holiday, "April" a month."""
    names = [(one.start, one.end) for one in entities if one.entity == "name"]
    if when is None or not names:
        return when

    def is_time(window: Window) -> bool:
        return not any(start < window.span[1] and window.span[0] < end for start, end in names)

    return replace(
        when,
        windows=tuple(filter(is_time, when.windows)),
        choices=tuple(filter(is_time, when.choices)),
        exclusions=tuple(filter(is_time, when.exclusions)),
    )


def _holds(region: Region, start: int) -> bool:
    return region.start <= start < region.end


def _part(when: When | None, belongs: Callable[[int], bool]) -> When | None:
    if when is None:
        return None
    return replace(
        when,
        windows=tuple(window for window in when.windows if belongs(window.span[0])),
        choices=tuple(window for window in when.choices if belongs(window.span[0])),
        exclusions=tuple(window for window in when.exclusions if belongs(window.span[0])),
    )
