"""A list of everything is as long as one reads it in a thread; a text message has the least room."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.actions.answers import _services, _that_fit
from bot.words import Words
from channels.segments import gsm_friendly, sms_size

NAMES = [f"Treatment number {n} with a long name" for n in range(60)]


class Asked:
    """As much of a turn as a list needs."""

    def __init__(self, channel: str, locale: str, names: list[str]) -> None:
        self.conversation = SimpleNamespace(channel=channel)
        self.locale, self.words = locale, Words()
        self.catalog = SimpleNamespace(services=names)

    def service_name(self, name: str) -> str:
        return name

    def say(self, key: str, **values: Any) -> dict[str, Any]:
        return {"text": self.words.text(self.locale, key, **values)}


@pytest.mark.parametrize("language", Words().languages)
def test_sixty_services_in_a_text_message_are_some_and_that_there_are_more(language: str) -> None:
    told = _services(Asked("sms", language, NAMES))["text"]  # type: ignore[arg-type]
    assert sms_size(gsm_friendly(told)).segments <= 2
    assert "number 0" in told
    assert told.endswith(Words().text(language, "answer.more"))


def test_what_fits_is_told_whole() -> None:
    few = ["Haircut", "Colour", "Beard trim"]
    assert Words().text("en", "answer.more") not in _services(Asked("sms", "en", few))["text"]  # type: ignore[arg-type]
    assert _that_fit(Asked("sms", "en", few), few) == few  # type: ignore[arg-type]
    assert len(_that_fit(Asked("web", "en", NAMES), NAMES)) > len(_that_fit(Asked("sms", "en", NAMES), NAMES))  # type: ignore[arg-type]


def test_one_line_too_long_is_told_all_the_same() -> None:
    assert _that_fit(Asked("sms", "en", ["x" * 2000]), ["x" * 2000]) == ["x" * 2000]  # type: ignore[arg-type]
