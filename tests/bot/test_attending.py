"""Who takes part in an offered time: said once or with each time, in any language, and never a third text message."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from booking_core.rules.plan import PlacedPart
from bot.actions.attending import name_people, people_of
from bot.actions.contract import Option
from bot.words import Words
from channels.parts import numbered
from channels.segments import gsm_friendly, sms_size

START = datetime(2027, 3, 4, 9, 0, tzinfo=UTC)
CUT, COLOUR = uuid4(), uuid4()


class House:
    """As much of a turn as naming people needs."""

    def __init__(self, language: str = "en", channel: str = "sms") -> None:
        self.conversation = SimpleNamespace(channel=channel)
        self.locale, self.words = language, Words()
        self.ids: dict[str, UUID] = {}
        self.catalog = SimpleNamespace(staff_member=self.member)

    def member(self, staff_id: UUID) -> Any:
        return SimpleNamespace(name=next(name for name, one in self.ids.items() if one == staff_id))

    def slot(self, *parts: tuple[int, int, int, str], hours: int = 0) -> Slot:
        """Return a time with parts of (guest, from minute, to minute, who)."""
        placed = tuple(
            PlacedPart(CUT if at % 2 == 0 else COLOUR, guest, start, end, self.of(who), ())
            for at, (guest, start, end, who) in enumerate(parts)
        )
        return Slot(START + timedelta(hours=hours), START + timedelta(hours=hours + 1), None, parts=placed)

    def of(self, who: str) -> tuple[UUID, ...]:
        return tuple(self.ids.setdefault(one, uuid4()) for one in who.split("+"))

    def asked(self, slots: list[Slot], request: VisitRequest | None = None) -> dict[str, Any]:
        options = [Option(f"Thu 4 Mar, {slot.starts:%H:%M}", "choose_slot", {"starts": "x"}) for slot in slots]
        options.append(Option("More times", "more_times"))
        choices = [{"label": one.label, "do": one.do, "args": one.args} for one in options]
        question = {"text": "When suits you? Free times:", "choices": choices}
        name_people(self, question, options, slots, request or VisitRequest((CUT, COLOUR)))  # type: ignore[arg-type]
        return question


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([(0, 0, 30, "Ana"), (0, 30, 60, "Bruno")], "Ana, then Bruno"),
        ([(0, 0, 30, "Ana"), (0, 30, 60, "Bruno"), (0, 60, 90, "Ana")], "Ana, then Bruno, then Ana"),
        ([(0, 0, 30, "Ana"), (0, 30, 60, "Ana"), (0, 60, 90, "Bruno")], "Ana, then Bruno"),
        ([(0, 0, 30, "Ana"), (0, 30, 60, "Ana")], ""),
        ([(0, 0, 30, "Ana")], ""),
        ([(0, 0, 30, "Ana"), (1, 0, 45, "Bruno")], "Ana and Bruno"),
        ([(0, 0, 30, "Ana+Carla")], "Ana and Carla"),
        (
            [(0, 0, 30, "Ana"), (0, 30, 60, "Bruno"), (1, 0, 30, "Carla"), (1, 30, 60, "Ana")],
            "Ana and Carla, then Bruno and Ana",
        ),
        ([], ""),
    ],
)  # fmt: skip
def test_everybody_is_named_in_order(parts: list[tuple[int, int, int, str]], told: str) -> None:
    house = House()
    assert people_of(house, house.slot(*parts)) == told  # type: ignore[arg-type]


@pytest.mark.parametrize("language", Words().languages)
@pytest.mark.parametrize("channel", ["sms", "telegram", "web", "whatsapp"])
def test_the_same_people_are_named_once(language: str, channel: str) -> None:
    house = House(language, channel)
    question = house.asked([house.slot((0, 0, 30, "Ana"), (0, 30, 60, "Bruno"), hours=n) for n in range(3)])
    assert question["text"].count("Ana") == 1
    assert question["text"].index("Ana") < question["text"].index("Bruno")
    assert all("Ana" not in one["label"] for one in question["choices"])
    assert [one["args"].get("people", "")[:3] for one in question["choices"]] == ["Ana", "Ana", "Ana", ""]


@pytest.mark.parametrize("language", Words().languages)
def test_different_people_are_named_with_each_time(language: str) -> None:
    for channel in ("sms", "telegram", "web"):
        house = House(language, channel)
        slots = [
            house.slot((0, 0, 30, "Ana"), (0, 30, 60, "Bruno")),
            house.slot((0, 0, 30, "Carla"), (0, 30, 60, "Bruno"), hours=1),
            house.slot((0, 0, 30, "Ana"), (0, 30, 60, "Ana"), hours=2),
        ]  # fmt: skip
        labels = [one["label"] for one in house.asked(slots)["choices"]]
        assert "Ana" in labels[0]
        assert "Carla" in labels[1]
        assert labels[2:] == ["Thu 4 Mar, 11:00", "More times"]
    house.conversation.channel = "whatsapp"  # a tap needs a short label there
    question = house.asked(slots)
    assert question["choices"][0]["label"] == "Thu 4 Mar, 09:00"
    assert "Carla" in question["text"]
    assert question["text"].endswith("When suits you? Free times:")


def test_who_was_asked_for_by_name_is_not_said_again() -> None:
    house = House()
    slots = [house.slot((0, 0, 30, "Ana"), (0, 30, 60, "Bruno"))]
    named = VisitRequest((CUT, COLOUR), staff_by_service=((CUT, house.ids["Ana"]), (COLOUR, house.ids["Bruno"])))
    assert house.asked(slots, named)["text"] == "When suits you? Free times:"
    only = VisitRequest((CUT, COLOUR), staff_by_service=((CUT, house.ids["Ana"]),))
    assert "Bruno" in house.asked(slots, only)["text"]


@pytest.mark.parametrize("language", Words().languages)
@pytest.mark.parametrize("length", [3, 12, 25, 60])
def test_a_text_message_is_two_segments_however_people_are_called(language: str, length: int) -> None:
    house = House(language)
    one, other, third = ("Ánna" * 20)[:length], ("Bruno" * 20)[:length], ("Carla" * 20)[:length]
    for people in ([(one, other), (third, other), (other, third)], [(one, other)] * 3):
        slots = [house.slot((0, 0, 30, a), (0, 30, 60, b), hours=n) for n, (a, b) in enumerate(people)]
        question = house.asked(slots)
        sent = gsm_friendly(numbered(question["text"], [choice["label"] for choice in question["choices"]]))
        assert sms_size(sent).segments <= 2, sent
