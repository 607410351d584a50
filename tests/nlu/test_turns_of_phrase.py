"""Turns of phrase that change what the rest means, two tasks at once, moods, and time zones."""

import pytest

from nlu.engine import Engine
from nlu.meaning import Guess
from nlu.tasks import Region, later_tasks
from tests.nlu.sayings import heard


@pytest.mark.model
@pytest.mark.parametrize(
    ("asked", "text", "intent"),
    [
        (None, "same as last time please", "same_as_last_time"),
        ("offer_slots", "the usual one", "same_as_last_time"),
        (None, "tell me if something frees up on Saturday", "wait_for_free"),
        (None, "avísame si se libera algo", "wait_for_free"),
        (None, "can't make it", "cannot_come"),
        ("offer_slots", "can't make it", "deny"),
        (None, "no puedo ir, anula la cita por favor", "cancel"),
        ("booked", "did you get my payment?", "ask_paid"),
        (None, "same price as Groupon?", "ask_fact"),
        (None, "is there parking?", "ask_fact"),
        (None, "I'm pregnant, is it ok to colour my hair?", "medical"),
        (None, "soy alérgica al tinte", "medical"),
        (None, "I want to kill myself", "distress"),
        (None, "THIS IS RIDICULOUS, ANSWER ME NOW", "complaint"),
        ("offer_slots", "how's your day?", "chitchat"),
        ("booked", "actually make it 5", "reschedule"),
        ("booked", "can we make it in two weeks same time", "reschedule"),
        ("reminder", "C", "confirm_attendance"),
        (None, "ALTO", "opt_out"),
        (None, "لا ترسل", "opt_out"),
    ],
)
async def test_moods_and_habits(reader: Engine, asked: str | None, text: str, intent: str) -> None:
    assert (await reader.understand(heard(text, asked=asked))).intent == intent


@pytest.mark.model
@pytest.mark.parametrize("text", ["zxcv zxcv", "asdf qwer", "<script>alert(1)</script>", "select * from users"])
async def test_noise_is_never_a_yes(reader: Engine, text: str) -> None:
    understood = await reader.understand(heard(text, asked="confirm"))
    assert {understood.intent, *understood.also} <= {"nlu_fallback", "out_of_scope"}


@pytest.mark.model
@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("move it to 5 if you can, otherwise leave it", {"otherwise leave"}),
        ("pásala a las 5 si puedes, si no déjala", {"otherwise leave"}),
        ("with Ana, or anyone if she's busy", {"or anyone", "anyone"}),
        ("con Ana, o con cualquiera si no puede", {"or anyone", "anyone"}),
        ("the usual with the tall guy", {"described person"}),
        ("can you make it earlier", {"earlier"}),
    ],
)
async def test_marks(reader: Engine, text: str, marks: set[str]) -> None:
    understood = await reader.understand(heard(text))
    assert {one.value for one in understood.entities if one.entity == "mark"} == marks


@pytest.mark.model
@pytest.mark.parametrize("text", ["not with Bruno please", "anyone but Bruno", "que no sea con Bruno", "con Bruno no"])
async def test_who_is_ruled_out_is_not_wanted(reader: Engine, text: str) -> None:
    understood = await reader.understand(heard(text, asked="offer_slots"))
    kinds = {one.entity for one in understood.entities}
    assert "not_staff" in kinds
    assert "staff" not in kinds


@pytest.mark.model
@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("tomorrow 3pm my time, I'm in London", "Europe/London"),
        ("3pm New York time", "America/New_York"),
        ("a las 3, hora de Londres", "Europe/London"),
        ("tomorrow at 3 in the London room", None),
    ],
)
async def test_a_city_is_a_time_zone_where_it_is_said_so(reader: Engine, text: str, zone: str | None) -> None:
    understood = await reader.understand(heard(text))
    assert [one.value for one in understood.entities if one.entity == "zone"] == ([zone] if zone else [])


@pytest.mark.model
@pytest.mark.parametrize(
    "text", ["corte mañana a las 15:00, soy Tomás Reyes", "haircut tomorrow at 3pm, my name is April Jones"]
)
async def test_a_name_is_no_time(reader: Engine, text: str) -> None:
    understood = await reader.understand(heard(text))
    assert understood.when is not None
    assert [window.start.hour for window in understood.when.choices if window.start] == [15]


@pytest.mark.model
async def test_two_tasks_have_their_own_facts(reader: Engine) -> None:
    understood = await reader.understand(heard("book me a beard trim Friday 10 and cancel my Tuesday one"))
    assert understood.intent == "book"
    assert [one.value for one in understood.entities] == ["beard"]
    assert understood.when is not None
    assert len(understood.when.choices) == 1
    (task,) = understood.then
    assert task.intent == "cancel"
    assert task.when is not None
    assert [window.start.weekday() for window in task.when.choices if window.start] == [1]


@pytest.mark.parametrize(
    ("clauses", "guesses", "services", "found"),
    [
        (("book friday", "cancel tuesday"), ("book", "cancel"), (), [Region("cancel", 16, 30)]),
        (("cancel tuesday", "book friday"), ("cancel", "book"), (), [Region("cancel", 0, 19)]),
        (("a beard trim friday", "cancel tuesday"), ("inform", "cancel"), (2,), [Region("cancel", 24, 38)]),
        (("friday", "cancel it"), ("inform", "cancel"), (), []),
        (("cancel it", "cancel all"), ("cancel", "cancel"), (), []),
    ],
)
def test_a_later_task_needs_a_new_booking_beside_it(
    clauses: tuple[str, ...], guesses: tuple[str, ...], services: tuple[int, ...], found: list[Region]
) -> None:
    text = " and ".join(clauses)
    sure = [Guess(intent, 0.9) for intent in guesses]
    assert list(later_tasks(text, clauses, sure, services)) == found
