"""Somebody who had left, or wanted no reminders, says that they want them again: that is taken at their word.

Where the platform has words of its own for it (Twilio's START) it tells us; elsewhere only the person does.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot import consent
from bot.actions.contract import Turn
from channels import consents, conversations
from channels.consents import Purpose, Standing
from nlu.pipeline.texts import fold

WORDS = Path(__file__).resolve().parent.parent / "data" / "coming_back.yml"
#: How somebody left whom the platform itself keeps from us.
_PLATFORMS_OWN = frozenset({"platform", "refused", "blocked"})
_MARKS = re.compile(r"[^\w/]+")


class Wish(IntEnum):
    """What somebody wants again."""

    MESSAGES = 1
    REMINDERS = 2


@cache
def _read() -> tuple[re.Pattern[str], Mapping[Wish, re.Pattern[str]]]:
    written: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    polite = "|".join(sorted((_plain(word) for word in written.pop("courtesies")), key=len, reverse=True))
    start = [re.escape(word) for word in written.pop("start")]
    forms = {
        Wish.MESSAGES: [*start, *(form for language in written.values() for form in language["messages"])],
        Wish.REMINDERS: [form for language in written.values() for form in language["reminders"]],
    }
    courtesies = re.compile(rf"^(?:(?:{polite})\s+)+|(?:\s+(?:{polite}))+$")
    return courtesies, {wish: re.compile("|".join(f"(?:{form})" for form in said)) for wish, said in forms.items()}


def _plain(text: str) -> str:
    return _MARKS.sub(" ", fold(text)).strip()


def wish_in(text: str) -> Wish | None:
    """Return what a message that says nothing else wants again."""
    courtesies, forms = _read()
    said = courtesies.sub("", _plain(text))
    return next((wish for wish, form in forms.items() if form.fullmatch(said)), None)


async def hear(turn: Turn, text: str, provider_id: str | None) -> Mapping[str, Any] | None:
    """Take somebody at their word, and return what is said to it; None: they say something else, or never left.

    Whom the platform keeps from us until a word of its own comes (STOP) does not come back by another one.
    """
    wish = wish_in(text)
    conversation, left = turn.conversation, turn.conversation.opted_out_at is not None
    if wish is None or (left and await _kept_by_platform(turn)):
        return None
    conversations.opt_in(conversation, turn.now, how="words", provider_id=provider_id)
    await turn.session.flush()
    if wish is Wish.REMINDERS and await consent.standing(turn, Purpose.REMINDERS) is not Standing.GIVEN:
        country = consent.country_of(conversation, turn.business)
        conversations.note_consent(
            conversation,
            turn.now,
            wish="in",
            how="words",
            provider_id=provider_id,
            purpose=Purpose.REMINDERS,
            country=country,
        )
        await turn.session.flush()
        # Where a law wants more than a word of theirs, the next booking's question asks for it.
        if await consent.standing(turn, Purpose.REMINDERS) is Standing.GIVEN:
            return consent.thanks(turn)
    return turn.say("opted_in", act="info") if left else None


async def _kept_by_platform(turn: Turn) -> bool:
    notes = await consents.load_notes(turn.session, turn.conversation)
    left = [note.how for note in notes if note.purpose == Purpose.ANY and note.wish == "out"]
    return bool(left) and left[-1] in _PLATFORMS_OWN
