import re

import pytest

from bot import catalogs
from bot.words import Words
from channels.segments import gsm_friendly, sms_size
from channels.twilio import STOP_WORDS


def test_every_sentence_is_there_in_every_language() -> None:
    assert catalogs.faults() == []


def test_an_unknown_language_is_answered_in_english() -> None:
    words = Words()
    assert words.text("xx-YY", "choice.yes") == words.text("en", "choice.yes")


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        Words().text("en", "no.such.key")


#: The longest that usually comes together; a salon's own names may be longer.
LONGEST = {
    "line": "Haircut with Ana and Colour with Carla + Bond repair, Wed 30 Sept, 15:45",
    "service": "Cut & colour",
    "staff": "Bruno",
    "able": "Ana, Bruno and Carla",
    "when": "Wed 30 Sept, 15:45",
    "place": "Marigold Studio, Calle de las Huertas 12, 28012 Madrid",
    "business": "Marigold Studio",
    "name": "Marigold Studio",
    "price": "€128.00",
    "due": "€128.00",
    "amount": "€128.00",
    "refund": "€128.00",
    "paid": "€128.00",
    "until": "15:45",
    "reference": "K7QX4M",
    "hours": "48",
    "before": "100",
    "after": "50",
    "most": "3 hours",
    "least": "1",
    "people": "3",
    "pieces": "2",
    "what": "Bicycle by the day",
    "alone": "Jacaranda hall by the hour",
    "count": 14,
    "other": "Carla, Wed 30 Sept, 15:45",
    "day": "Wednesday 30 September",
    "address": "maria.delafuente@example.com",
    "url": "https://salon.example.com/pay/to/" + "x" * 32,
    "times": "Wed 30 Sept, between 15:45 and 18:00",
    "time": "24 hours",
    "choice": "1",
    "minutes": "120",
    "phone": "+34 915 550 123",
    "rest": "€128.00",
    "here": "15:45 in Madrid",
    "there": "09:45 in New York",
    "seats": "Wed 30 Sept, 15:45: 14 seats left; Thu 1 Oct, 15:45: 14 seats left; Fri 2 Oct, 15:45: 14 seats left",
}
#: Names and days with the accents that most languages write.
ACCENTED = {
    "line": "Haircut with Ana and Colour with Carla + Reparación, mié 30 sept, 15:45",
    "when": "sábado 30 sept, 15:45",
    "place": "Estúdio Marigold, Calle de las Huertas 12, 28012 Cádiz",
    "name": "Estúdio Marigold",
}
#: Lists of any length, and a business's own words.
UNBOUNDED = {"bookings", "prices", "services", "text", "hours", "places", "phones"}


@pytest.mark.parametrize("language", Words().languages)
def test_sentences_fit_in_few_segments(language: str) -> None:
    words = Words()
    for key, entry in words.keys(language).items():
        if key.startswith(("chat.", "console.", "pay.", "checkout.", "sandbox.", "mail.")):
            continue
        names = catalogs.fields(entry.forms[-1])
        if names & UNBOUNDED or not names <= LONGEST.keys():
            continue
        said = LONGEST if language == "en" else LONGEST | ACCENTED
        text = gsm_friendly(words.text(language, key, **{name: said[name] for name in names}))
        assert sms_size(text).segments <= 2, (key, text)


#: Twilio's words that end everything, whole and alone: https://help.twilio.com/articles/223134027.
_ENDS_ALL = re.compile(r"\b(STOP(ALL)?|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT)\b")
#: Where a customer is told how to leave, as carriers want it: STOP is what they mean to send.
_LEAVING = {"consent.ask_carrier", "consent.thanks_carrier"}


@pytest.mark.parametrize("language", Words().languages)
def test_no_sentence_asks_for_a_word_that_ends_everything(language: str) -> None:
    """Whoever answers CANCEL to cancel an appointment would get no more messages, and keep the appointment."""
    for key, entry in Words().keys(language).items():
        if key.startswith("console."):
            continue  # nobody answers those
        if key not in _LEAVING:
            assert not any(_ENDS_ALL.search(form) for form in entry.forms), key
        elif "carrier" in key:
            words = {found.group() for form in entry.forms for found in _ENDS_ALL.finditer(form)}
            assert words == {"STOP"}, key


@pytest.mark.parametrize("language", Words().languages)
def test_no_choice_is_such_a_word_either(language: str) -> None:
    """A choice is typed as it is written, too: alone on its line it would be the platform's."""
    for key, entry in Words().keys(language).items():
        if key.startswith("choice."):
            assert not {form.strip().lower() for form in entry.forms} & STOP_WORDS, key
