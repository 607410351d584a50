"""What a wish means for rooms and rentals, how services make one visit, and that every refusal has words: pure."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from booking_core.refusals import Reason
from booking_core.rules.policy import ServiceOrder
from bot.actions import facts, visits, wish
from bot.actions.reading import Reading
from bot.actions.settling import people_for, units_of
from bot.words import Words
from nlu.when import understand_when

TZ = "America/Mexico_City"
NOW = datetime(2027, 3, 2, 10, 0, tzinfo=ZoneInfo(TZ))  # a Tuesday


def said(text: str, locale: str = "en") -> dict[str, Any]:
    return understand_when(text, locale=locale, now=NOW, tz=TZ, hours=None, reference=None, latent=False).to_json()


@pytest.mark.parametrize(
    ("text", "unit", "units"),
    [
        ("from Friday to Sunday", "day", 3),
        ("from Friday to Sunday", "night", 2),
        ("on Friday", "day", None),
        ("tomorrow from 3 to 5", "hour", 2),
        ("tomorrow from 3", "hour", None),
        ("tomorrow afternoon", "hour", None),
        ("tomorrow at 3pm", "hour", None),
    ],
)
def test_a_stretch_of_time_says_for_how_long(text: str, unit: str, units: int | None) -> None:
    assert wish.units_said(said(text), unit) == units


@pytest.mark.parametrize(
    ("length", "unit", "units"),
    [([2, "hour"], "hour", 2), ([1, "week"], "day", 7), ([90, "minute"], "hour", 2), ([2, "hour"], "day", None)],
)
def test_lengths_in_what_a_service_is_sold_by(length: list[Any], unit: str, units: int | None) -> None:
    assert units_of(length, unit) == units


def test_a_rental_begins_on_a_day_whatever_clock_is_named() -> None:
    for text in ("from Friday to Sunday", "Friday at 10", "Friday afternoon"):
        assert wish.first_day(said(text)) == date(2027, 3, 5)
        wanted = wish.wish_for(said(text), tz=TZ, now=NOW, unit="day")
        assert wanted.exact is None
        assert wanted.spans == (wish.day_span(date(2027, 3, 5), TZ),)


def test_a_room_is_wanted_from_the_first_hour() -> None:
    wanted = wish.wish_for(said("tomorrow from 3 to 5"), tz=TZ, now=NOW, unit="hour")
    assert wanted.exact == datetime(2027, 3, 3, 15, tzinfo=ZoneInfo(TZ))


def service(*, unit: str = "visit", capacity: int = 1) -> Any:
    return SimpleNamespace(id=uuid4(), unit=unit, capacity=capacity)


def test_services_of_one_visit_come_in_the_houses_order() -> None:
    cut, colour, yoga = service(), service(), service(capacity=14)
    house: Any = SimpleNamespace(services=[cut, colour, yoga])
    assert visits.joined(house, [colour, cut, colour]) == ([cut, colour], [])
    assert visits.joined(house, [yoga, colour]) == ([colour], [yoga])  # a class is booked by itself
    assert visits.joined(house, [yoga]) == ([yoga], [])


def test_services_come_in_the_order_that_was_said() -> None:
    cut, colour, dry = service(), service(), service()
    house: Any = SimpleNamespace(services=[cut, colour, dry])
    order = [str(one.id) for one in (colour, cut)]
    assert visits.joined(house, [cut, colour], order) == ([colour, cut], [])
    assert visits.joined(house, [dry, cut, colour], order) == ([colour, cut, dry], []), "the rest is the house's"
    assert visits.joined(house, [cut, dry], order) == ([cut, dry], [])


#: Reasons that lead to a question instead of a sentence.
ASKED = {Reason.NEEDS_ANSWERS}
#: Another way to say that it has changed meanwhile.
SAID_AS = {Reason.KEY_REUSED: "changed"}


@pytest.mark.parametrize("reason", sorted(set(Reason) - ASKED))
def test_every_refusal_has_a_sentence(reason: Reason) -> None:
    assert Words().has(f"refused.{SAID_AS.get(reason, reason.value)}")


@pytest.mark.parametrize(
    ("keeps_its_own", "order", "told"), [(False, "BA", ""), (True, "", "A and B"), (None, "", "")], ids=str
)
def test_a_house_that_keeps_its_own_order_says_so(*, keeps_its_own: bool | None, order: str, told: str) -> None:
    """`None`: the customer has said the order that is the house's anyway."""
    one, other = service(), service()
    names = {one.id: "A", other.id: "B"}
    policy = SimpleNamespace(order_of_services=ServiceOrder.CUSTOMER if keeps_its_own is False else ServiceOrder.HOUSE)
    find = {one.id: one, other.id: other}.__getitem__
    catalog: Any = SimpleNamespace(services=[one, other], service=find, staff_member=find, location=find, policy=policy)

    def say(key: str, **values: Any) -> dict[str, Any]:
        return {"text": Words().text("en", key, **{name: value for name, value in values.items() if name != "act"})}

    turn: Any = SimpleNamespace(catalog=catalog, locale="en", say=say, service_name=lambda each: names[each.id])
    reading = Reading()
    said = [str(other.id), str(one.id)] if keeps_its_own is not None else [str(one.id), str(other.id)]
    found = facts._order(turn, said, {}, {"book"}, reading)
    assert "".join(names[UUID(each)] for each in found) == order
    assert told in "".join(str(each["text"]) for each in reading.say)
    assert bool(reading.say) == bool(told)
    assert bool(reading.remember) == bool(order)


def test_a_question_says_no_order() -> None:
    assert facts._order(SimpleNamespace(), ["x", "y"], {"memo": {"order": ["z"]}}, {"ask_price"}, Reading()) == ["z"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "most", "several", "lent", "meant"),
    [
        (None, 1, False, False, (1, None)),
        (None, 3, False, False, (1, None)),
        (None, 3, True, False, (None, None)),
        (None, 1, True, False, (1, "people.alone")),
        (2, 3, False, False, (2, None)),
        (4, 3, False, False, (None, "people.too_many")),
        (2, 1, False, False, (1, "people.alone")),
        # A hall is taken by one, however many come to it; of bicycles there are so many.
        (8, 1, False, True, (1, None)),
        (None, 1, True, True, (1, None)),
        (9, 6, False, True, (None, "people.too_many")),
    ],
)
def test_for_how_many_it_is(
    said: int | None, most: int, several: bool, lent: bool, meant: tuple[int | None, str | None]
) -> None:
    assert people_for(said, most=most, several=several, lent=lent) == meant
