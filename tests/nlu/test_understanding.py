"""What messages mean: intents, several at once, context, language, services, staff, names, places in a list."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nlu.command import understand_lines
from nlu.contract import Catalog, Name
from nlu.engine import Engine
from tests.nlu.sayings import heard

pytestmark = pytest.mark.model


@pytest.mark.parametrize(
    ("asked", "text", "intents"),
    [
        (None, "Hi, can I get a haircut with Ana tomorrow afternoon?", {"greet", "book"}),
        ("confirm", "ach, lieber bei Ana", {"inform"}),
        ("offer_slots", "ok, dann am Donnerstag, den 11.", {"affirm", "inform"}),
        ("offer_slots", "je finis mon travail tard, donc le 14 à 17h", {"inform"}),
        (None, "corte y color el sábado 24 de abril a las 10 y media", {"inform"}),
        ("confirm", "yes, but how much is it?", {"affirm", "ask_price"}),
        ("confirm", "how much is it and where are you?", {"ask_price", "ask_location"}),
        ("confirm", "sí, ¿pero cuánto cuesta?", {"affirm", "ask_price"}),
        ("confirm", "👍", {"affirm"}),
        ("confirm", "👎", {"deny"}),
        ("confirm", "✅", {"affirm"}),
        ("confirm", "yes 👍🏽", {"affirm"}),
        ("confirm", "go ahead and book it", {"affirm"}),
        ("confirm", "actually make it 4", {"inform"}),
        ("confirm", "perfect thanks", {"affirm", "thanks"}),
        ("booked", "perfect thanks", {"thanks"}),
        ("confirm", "wait, can it be with Bruno?", {"inform"}),
        ("offer_slots", "later please", {"more_times"}),
        (None, "what is your contact number?", {"ask_phone"}),
        ("ask_when", "Saturday would be great", {"inform"}),
        ("ask_when", "the 8th", {"inform"}),
        ("ask_name", "Noelia Vidal, gracias", {"inform", "thanks"}),
        ("ask_name", "ich heiße Miriam Krüger", {"inform"}),
        ("ask_name", "no nome de Caio Nogueira", {"inform"}),
        (None, "I won't need the beard trim any more, cancel that one", {"cancel"}),
        ("confirm", "sure and where do I park?", {"affirm", "ask_fact"}),
        ("offer_slots", "that will work", {"affirm"}),
        (None, "tengo que anular mi cita", {"cancel"}),
        (None, "I can't make it tomorrow, can we do Friday?", {"reschedule"}),
        (None, "Do you take cards? And is there parking?", {"ask_payment", "ask_fact"}),
        (None, "¿Puedo hablar con una persona?", {"talk_to_person"}),
        (None, "stop texting me", {"opt_out"}),
        ("reminder", "STOP", {"opt_out"}),
        ("offer_slots", "stop", {"stop"}),
        ("reminder", "I'll be there", {"confirm_attendance"}),
        ("booked", "running 10 mins late sorry", {"running_late"}),
        ("confirm", "spot on", {"affirm"}),
        ("confirm", "ok faites", {"affirm"}),
        ("booked", "move it to on the 11th of March in the afternoon please", {"reschedule"}),
        (None, "soy Noelia Vidal, ¿puedo ir el día 6 a las 13:30 para un corte y color?", {"inform"}),
        (None, "¿puedo ir mañana?", {"book"}),
        (None, "no puedo ir mañana", {"cannot_come"}),
        ("booked", "Schneiden und Färben brauche ich nicht mehr, den bitte stornieren", {"cancel"}),
        (None, "asdkjh qwlekj zxcmnb", {"nlu_fallback", "out_of_scope"}),
    ],
)
async def test_intents(reader: Engine, asked: str | None, text: str, intents: set[str]) -> None:
    understood = await reader.understand(heard(text, asked=asked))
    said = {understood.intent, *understood.also}
    assert said <= intents if "nlu_fallback" in intents else said == intents


@pytest.mark.parametrize(
    ("asked", "locale", "text", "language"),
    [
        (None, "en", "hola", "es"),
        (None, "es", "hello there", "en"),
        (None, "en", "ok", None),
        ("offer_slots", "en", "Ana 3pm", None),
        ("confirm", "en", "gracias", None),
        ("confirm", "es", "thanks", None),
        ("confirm", "en", "perdona, ¿cuánto cuesta el tinte?", "es"),
        (None, "es", "can I book a haircut with Ana?", "en"),
        ("ask_name", "en", "María López", None),
        (None, "en", "12345", None),
        (None, "en", "Haarschnitt am Donnerstag", "de"),
        (None, "es", "bonjour, je voudrais un rendez-vous", "fr"),
        (None, "en", "oi, queria marcar um corte", "pt"),
        ("offer_slots", "en", "hola, book tmrw", "en"),
        ("offer_slots", "de", "ok", None),
        ("confirm", "fr", "si", None),
    ],
)
async def test_language(reader: Engine, asked: str | None, locale: str, text: str, language: str | None) -> None:
    assert (await reader.understand(heard(text, asked=asked, locale=locale))).language == language


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a haircut with Ana", ["haircut", "ana"]),
        ("haricut please", ["haircut"]),
        ("haircuts and beards", ["haircut", "beard"]),
        ("a beard trim and a haircut", ["beard", "haircut"]),
        ("cut and colour", ["cut-colour"]),
        ("corte y color con carla", ["cut-colour", "carla"]),
        ("CORTÉ DE PELO", ["haircut"]),
        ("hairct with bruna", ["haircut", "bruno"]),
        ("bueno, vale", []),
        ("will you be open on sunday?", []),
        ("necesito cambiar la cita", []),
        ("with Will tomorrow", ["will"]),
        ("is Ana's chair free", ["ana"]),
        ("any chance and then some", []),
        ("looks right to me", []),
    ],
)
async def test_services_and_staff(reader: Engine, text: str, found: list[str]) -> None:
    understood = await reader.understand(heard(text))
    named = [one for one in understood.entities if one.entity in {"service", "staff"}]
    assert [one.value for one in named] == found
    assert all(text[one.start : one.end] == one.text for one in named)


@pytest.mark.parametrize(
    ("asked", "text", "name"),
    [
        ("ask_name", "Maria Lopez", "Maria Lopez"),
        ("ask_name", "tom reed", "tom reed"),
        ("ask_name", "it's Maria", "Maria"),
        ("ask_name", "Ana", "Ana"),
        ("ask_name", "Will", "Will"),
        ("ask_name", "Ana, but do you take cards?", "Ana"),
        ("ask_name", "Jean-Luc O'Brien", "Jean-Luc O'Brien"),
        ("ask_name", "it would be for Noelia Vidal", "Noelia Vidal"),
        ("ask_name", "auf Krüger bitte", "Krüger"),
        ("ask_name", "pour Lefèvre, svp", "Lefèvre"),
        ("ask_name", "einen Moment bitte", None),
        ("ask_name", "can I pay with Bizum", None),
        ("ask_name", "how much is it", None),
        ("ask_name", "hello", None),
        ("ask_name", "no", None),
        (None, "Haircut on Friday at 11, Maria Lopez is my name", "Maria Lopez"),
        (None, "Beard trim Thursday at 4pm, my name is Tom Reed", "Tom Reed"),
        (None, "me llamo María de la Fuente, quiero cita", "María de la Fuente"),
        (None, "soy nueva aquí", None),
        (None, "the stylist's name is Ana", None),
        (None, "I'm running late", None),
        (None, "I'm in London", None),
        (None, "this is great", None),
        (None, "This is Ellie Shaw. I'd love a blow-dry on Monday", "Ellie Shaw"),
        (None, "My name is Ana Lee. I'd like a haircut", "Ana Lee"),
        ("ask_name", "J. R. Tolkien", "J. R. Tolkien"),
        (None, "this is Dr. J. Smith. Any time on Friday?", "Dr. J. Smith"),
        ("ask_name", "kann mein Kleiner da solange warten?", None),
        (None, "d'habitude c'est Sophie", None),
        (None, "bonjour c'est Sophie, une coupe demain ?", "Sophie"),
    ],
)
async def test_names(reader: Engine, asked: str | None, text: str, name: str | None) -> None:
    found = [one.value for one in (await reader.understand(heard(text, asked=asked))).entities if one.entity == "name"]
    assert found == ([name] if name else [])


async def test_who_does_it_is_not_who_writes(reader: Engine) -> None:
    understood = await reader.understand(heard("d'habitude c'est Ana qui me coiffe", locale="fr"))
    assert [one.entity for one in understood.entities if one.entity in {"name", "staff"}] == ["staff"]


@pytest.mark.parametrize(
    ("locale", "text"),
    [("fr", "d'habitude c'est Ana"), ("en", "it's usually Ana"), ("es", "normalmente es Ana"), ("de", "sonst Ana")],
)
async def test_who_usually_does_it_is_wished_for(reader: Engine, locale: str, text: str) -> None:
    understood = await reader.understand(heard(text, locale=locale, asked="offer_slots"))
    assert understood.intent == "inform"
    assert [one.entity for one in understood.entities if one.entity in {"name", "staff"}] == ["staff"]


async def test_the_own_name_is_not_taken_for_the_staffs(reader: Engine) -> None:
    understood = await reader.understand(heard("Ana Ruiz", asked="ask_name"))
    assert [one.entity for one in understood.entities] == ["name"]


@pytest.mark.parametrize(
    ("locale", "text", "intent"),
    [
        ("fr", "je dois annler mon rdv", "cancel"),
        ("es", "tengo que canelar la cita", "cancel"),
        ("pt", "preciso desmacar", "cancel"),
        ("de", "ich möchte den Termin verschiben", "reschedule"),
        ("en", "i need to reshcedule", "reschedule"),
        ("en", "do you have paking", "ask_fact"),
    ],
)
async def test_a_slip_of_the_finger_changes_no_meaning(reader: Engine, locale: str, text: str, intent: str) -> None:
    assert (await reader.understand(heard(text, locale=locale, asked="booked"))).intent == intent


@pytest.mark.parametrize(
    "text", ["a kugelrolf on friday", "nur einen Kugelrolf bitte", "kugelrolf el lunes 8 por la tarde"]
)
async def test_whatever_a_service_is_called_it_can_be_asked_for(reader: Engine, text: str) -> None:
    catalog = Catalog(services=(Name("rolfing", ("Kugelrolf",)),))
    understood = await reader.understand(replace(heard(text, asked="ask_service"), catalog=catalog))
    assert {understood.intent, *understood.also} <= {"book", "inform"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("the middle one", 2),
        ("die mittlere", 2),
        ("the second one", 2),
        ("el primero", 1),
        ("the last one please", -1),
        ("la última", -1),
        ("la tercera opción", 3),
        ("la de las 4", None),
    ],
)
async def test_places_in_a_list(reader: Engine, text: str, place: int | None) -> None:
    understood = await reader.understand(heard(text, asked="offer_slots"))
    assert [one.value for one in understood.entities if one.entity == "ordinal"] == ([place] if place else [])
    assert bool(understood.when and understood.when.choices) is (place is None)


async def test_json_lines(reader: Engine) -> None:
    lines = [
        '{"id": 1, "text": "a haircut tomorrow at 3pm", "now": "2027-03-02T09:00:00", "tz": "Europe/Madrid"}',
        "",
        "{",
        '{"id": 2}',
        "[]",
    ]
    answers = [json.loads(line) async for line in understand_lines(reader, lines)]
    assert answers[0]["id"] == 1
    assert answers[0]["language"] == "en"
    assert answers[0]["when"][0]["start"] == "2027-03-03T15:00:00"
    assert all("error" in answer for answer in answers[1:])
    assert answers[2]["id"] == 2


def test_a_model_is_trained_once(model: Path) -> None:
    from nlu.train import current_model, train

    lines: list[str] = []
    assert train(model.parent, lines.append) == model == current_model(model.parent)
    assert lines == [f"The model is up to date: {model.name}"]
