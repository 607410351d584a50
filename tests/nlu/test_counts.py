"""How many come, for how long, and what comes besides: read from the phrases in data/nlu, without a model."""

from dataclasses import replace
from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from nlu.folders import LanguageFolders
from nlu.pipeline.counts import Counts
from tests.nlu.sayings import heard


@pytest.fixture(scope="module")
def counts() -> Counts:
    empty = Counts(None, None, {})
    return Counts(None, None, empty.learn(LanguageFolders().get_nlu_data()))


def read(counts: Counts, text: str, *, asked: str | None = None, units: bool = False) -> tuple[dict[str, Any], str]:
    circumstances = heard(text, asked=asked)
    if units:
        sold = replace(circumstances.catalog, units=frozenset({"hour", "day", "night"}))
        circumstances = replace(circumstances, catalog=sold)
    message = Message({"text": text, "metadata": {"heard": circumstances}})
    counts.process([message])
    found = {one["entity"]: one["value"] for one in message.get("entities") or []}
    return found, str(message.get("without_counts") or text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a haircut for 4 of us on Friday", {"people": 4}),
        ("yoga for two on monday", {"people": 2}),
        ("we'll be 3", {"people": 3}),
        ("2 seats please", {"people": 2}),
        ("somos 3 el sábado", {"people": 3}),
        ("dos lugares para el lunes", {"people": 2}),
        ("solo yo", {"people": 1}),
        ("a colour, please book one for 7 July", {}),
        ("book me for 11 in the morning", {}),
        ("make it for two in the afternoon", {}),
        ("for 6 o'clock", {}),
        ("eine Massage für 11 vormittags", {}),
        ("une coupe pour 2 de l'après-midi", {}),
        ("um corte para 2 da tarde", {}),
        ("a table for 4 on Friday in the evening", {"people": 4}),
        ("eine Massage für 7. Juli", {}),
        ("une coupe pour 7 juillet", {}),
        ("somos los 3 de siempre", {"people": 3}),
        ("viemos em 3", {"people": 3}),
        ("can I bring my daughter too?", {"companions": 1, "also": True}),
        ("for me and my two kids", {"companions": 2}),
        ("con mi hija", {"companions": 1}),
        ("a haircut for a few of us", {"several": True}),
        ("un corte para mis hijos", {"several": True}),
        ("and a blow-dry as well", {"also": True}),
        ("no, just the haircut", {"only": True}),
        ("a haircut tomorrow at 3", {}),
        ("book me in for 2 pm", {}),
        ("for 2 hours", {}),
        ("para las 5", {}),
        ("el 2 de marzo", {}),
        ("moved for 10:30", {}),
    ],
)
def test_people(counts: Counts, text: str, found: dict[str, Any]) -> None:
    assert read(counts, text)[0] == found


def test_a_bare_number_is_a_time_where_a_time_was_asked_for(counts: Counts) -> None:
    assert read(counts, "for 4", asked="offer_slots")[0] == {}
    assert read(counts, "for 4")[0] == {"people": 4}


@pytest.mark.parametrize(
    ("text", "length", "rest"),
    [
        ("the hall for two hours from 3", [2, "hour"], "from 3"),
        ("a camera for 2 nights from Friday", [2, "night"], "from Friday"),
        ("la sala por dos horas mañana", [2, "hour"], "mañana"),
        ("bici por tres días desde el viernes", [3, "day"], "desde el viernes"),
        ("a bike for a week", [1, "week"], "a bike"),
        ("for an hour", [1, "hour"], ""),
        ("the hall for about 2 hours", [2, "hour"], ""),
        ("I'd like a 2 hour slot", [2, "hour"], "slot"),
        ("book a 3h session", [3, "hour"], "session"),
        ("a sala quinta às 14h por 2 horas", [2, "hour"], ""),
        ("a sala por duas horas às 14h", [2, "hour"], "às 14h"),
        ("la salle jeudi à 14h pendant 2 heures", [2, "hour"], ""),
        ("la salle pour 2h à 14 heures", [2, "hour"], "à 14 heures"),
        ("location de 2 heures jeudi", [2, "hour"], "jeudi"),
        ("la sala a las 14 horas por 2 horas", [2, "hour"], ""),
        ("Saal um 14h für 2 Stunden", [2, "hour"], ""),
    ],
)
def test_lengths_are_no_times(counts: Counts, text: str, length: list[Any], rest: str) -> None:
    found, without = read(counts, text, units=True)
    assert found == {"length": length}
    assert without.strip().endswith(rest)
    assert len(without) == len(text)
    assert "length" not in read(counts, text)[0]  # nothing is sold by the hour there


@pytest.mark.parametrize(
    "text", ["in two hours", "an hour later", "2 days before", "dentro de 3 días", "hace dos horas"]
)
def test_a_distance_is_no_length(counts: Counts, text: str) -> None:
    assert read(counts, text, units=True) == ({}, text)


@pytest.mark.parametrize(
    "text",
    [
        "às duas horas",
        "à 14h",
        "de 14h à 16h",
        "entre 14h et 16h",
        "das 14h às 16h",
        "de 14 a 16 horas",
        "von 14 bis 16h",
    ],
)
def test_a_time_of_the_day_is_no_length(counts: Counts, text: str) -> None:
    assert read(counts, text, units=True) == ({}, text)


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("about twelve", 12), ("182", 182), ("unos diez", 10), ("una", 1)]
)
def test_a_number_that_was_asked_for(counts: Counts, text: str, number: int) -> None:
    assert read(counts, text, asked="ask_detail")[0] == {"number": number}
    assert read(counts, text)[0] == {}
