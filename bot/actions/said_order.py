"""In which order services were said to be done: "first the colour, then a cut", "the cut after the colour"."""

import re
from collections.abc import Sequence
from itertools import pairwise

from nlu.contract import Entity

#: Between two services: the second is done after the first. Words that may mean either are told apart by what follows.
_THEN = re.compile(
    r"\b(?:then|afterwards?|after\s+(?:that|this|it)|followed\s+by"
    r"|luego|despu[eé]s(?!\s+del?\b(?!\s+eso))|m[aá]s\s+tarde"
    r"|puis|ensuite|apr[eè]s\s+(?:[cç]a|cela)|(?:et|,)\s*apr[eè]s"
    r"|dann|danach|anschlie[sß]+end|hinterher"
    r"|depois(?!\s+d[aeo]s?\b)|em\s+seguida|a\s+seguir)\b"
)
#: Between two: the second is done before the first. Before both: the first is done before the second.
_AFTER = re.compile(
    r"\b(?:after|once|despu[eé]s\s+del?|tras|apr[eè]s|nach|depois\s+d[aeo]s?|ap[oó]s)\b(?!\s+(?:that|this|it|eso|[cç]a|cela)\b)"
)
#: The other way round.
_BEFORE = re.compile(r"\b(?:before|antes\s+d(?:el?|[ao]s?)|avant(?:\s+de)?|vor|bevor)\b")
_FIRST = r"(?:first(?!\s+(?:thing|available|of))|primero|primeiro|d['’]abord|en\s+premier|zuerst|erst|als\s+erstes)"
_SMALL = (
    r"(?:\s+|,|:|\b(?:i|we|want|would|like|please|the|a|an|my|do|get|have|quiero|quisiera|el|la|lo|un|una|mi|hacer|je|veux|voudrais|le|les|une|l['’]|ma"
    r"|ich|will|möchte|bitte|der|die|das|dem|den|ein|eine|einen|eu|quero|queria|o|os|as|um|uma|d['’])\b|['’])*"
)
_FIRST_BEFORE = re.compile(rf"\b{_FIRST}{_SMALL}$")
_FIRST_BEHIND = re.compile(rf"^\s*,?\s*{_FIRST}\b")
_AFTER_BEFORE = re.compile(rf"{_AFTER.pattern}{_SMALL}$")
_BEFORE_BEFORE = re.compile(rf"{_BEFORE.pattern}{_SMALL}$")


def said_order(text: str, entities: Sequence[Entity]) -> list[str]:
    """Return the services of a message in the order in which they are to be done; nothing where it says no order.

    One service alone is returned where it is to be done first.
    """
    mentions = sorted((one for one in entities if one.entity == "service"), key=lambda one: one.start)
    services = [one for at, one in enumerate(mentions) if all(one.value != other.value for other in mentions[:at])]
    if not services:
        return []
    said = text.lower()
    order = [str(one.value) for one in services]
    found = False
    for one, other in pairwise(services):
        between = said[one.end : other.start]
        if _THEN.search(between):
            found = True
        elif _AFTER.search(between) or _BEFORE_BEFORE.search(said[: one.start]):
            found = True
            _swap(order, str(one.value), str(other.value))
        elif _BEFORE.search(between) or _AFTER_BEFORE.search(said[: one.start]):
            found = True
    for one in mentions:
        if _FIRST_BEFORE.search(said[: one.start]) or _FIRST_BEHIND.search(said[one.end :]):
            order.remove(str(one.value))
            order.insert(0, str(one.value))
            found = True
            break
    return order if found else []


def _swap(order: list[str], one: str, other: str) -> None:
    at, there = order.index(one), order.index(other)
    order[at], order[there] = other, one
