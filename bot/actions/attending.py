"""Who takes part in an offered time of several parts: "with Ana, then Bruno", said wherever the times are."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from bot.actions.contract import Option, Turn
from bot.phrasing import listed
from channels.parts import numbered
from channels.segments import gsm_friendly, sms_size

#: Where a choice may be long: elsewhere a tap needs short ones, and people are said before them.
_LONG_CHOICES = frozenset({"sms", "telegram", "web"})
#: A text message is no longer than this.
_SEGMENTS = 2


def people_of(turn: Turn, slot: Slot) -> str:
    """Return everybody who takes part, in order, guests' people side by side; nothing where one person does it all."""
    if len({who for part in slot.parts for who in part.staff}) < 2:
        return ""
    steps: list[list[UUID]] = []
    until = 0
    for part in sorted(slot.parts, key=lambda one: (one.start, one.person)):
        if part.start >= until:
            steps.append([])
        steps[-1].extend(part.staff)  # at the same time as another guest's, where it begins before that ends
        until = max(until, part.end)
    told = [listed([_name(turn, who) for who in dict.fromkeys(one)], turn.locale) for one in steps if one]
    first, *further = [name for name, _ in groupby(told)]
    for name in further:
        first = turn.words.text(turn.locale, "offer.then", first=first, then=name)
    return first


def name_people(
    turn: Turn, question: dict[str, Any], options: Sequence[Option], slots: Sequence[Slot], request: VisitRequest
) -> None:
    """Have a question about times say who takes part; `options` are its choices, of which the first are these times.

    Once, where it is always the same people; with each time, where they differ. Those who were asked for by name for
    every part are in the question already.
    """
    people = [people_of(turn, slot) for slot in slots]
    asked = {who for _, who in request.staff_by_service}
    if not any(people) or all({who for part in slot.parts for who in part.staff} <= asked for slot in slots):
        return
    for choice, who in zip(question["choices"], people, strict=False):
        choice["args"] = choice["args"] | ({"people": who} if who else {})  # a web chat shows it with the time
    text, labels = _said(turn, question["text"], [option.label for option in options], people)
    if turn.conversation.channel == "sms" and _segments(text, labels) > _SEGMENTS:
        return
    question["text"] = text
    for choice, label in zip(question["choices"], labels, strict=True):
        choice["label"] = label


def _said(turn: Turn, text: str, labels: Sequence[str], people: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return a question and its choices with who takes part in each of the first of them."""
    if len(set(people)) == 1:
        return f"{turn.words.text(turn.locale, 'offer.people', people=people[0])} {text}", labels
    each = [
        turn.words.text(turn.locale, "offer.one", when=label, people=who) if who else label
        for label, who in zip(labels, people, strict=False)
    ]
    if turn.conversation.channel in _LONG_CHOICES:
        return text, [*each, *labels[len(each) :]]
    return f"{'; '.join(each)}. {text}", labels


def _segments(text: str, labels: Sequence[str]) -> int:
    return sms_size(gsm_friendly(numbered(text, labels))).segments


def _name(turn: Turn, staff_id: UUID) -> str:
    return turn.catalog.staff_member(staff_id).name
