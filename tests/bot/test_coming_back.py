"""Whoever has left says that they want messages again, in their own words; nothing else is taken for that."""

import re
from pathlib import Path

import pytest
import yaml

from bot import coming_back, consent
from bot.coming_back import Wish, wish_in
from channels import consents, conversations
from channels.consents import Purpose, Standing
from tests.bot.test_consent import HERE, US, phone, shop
from tests.bot.test_letters import House, house

__all__ = ["house", "shop"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("START", Wish.MESSAGES),
        ("/start", Wish.MESSAGES),
        ("Actually, you can text me again please", Wish.MESSAGES),
        ("Please send me reminders again!", Wish.REMINDERS),
        ("turn my reminders back on", Wish.REMINDERS),
        ("Por favor, ya podéis escribirme de nuevo", Wish.MESSAGES),
        ("Quiero recibir los recordatorios otra vez", Wish.REMINDERS),
        ("Vous pouvez de nouveau m'écrire", Wish.MESSAGES),
        ("Envoyez-moi des rappels, s'il vous plaît", Wish.REMINDERS),
        ("Ihr könnt mir wieder schreiben", Wish.MESSAGES),
        ("Ich möchte wieder erinnert werden", Wish.REMINDERS),
        ("Erinnerungen wieder einschalten", Wish.REMINDERS),
        ("Já podem voltar a escrever-me", Wish.MESSAGES),
        ("Quero receber os lembretes outra vez", Wish.REMINDERS),
    ],
)
def test_what_people_say_to_come_back(said: str, wish: Wish | None) -> None:
    assert wish_in(said) == wish


def test_no_example_of_anything_else_is_taken_for_it() -> None:
    taken = []
    for path in sorted((ROOT / "data" / "nlu").rglob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8")).get("nlu", []):
            for line in str(group.get("examples", "")).splitlines():
                text = re.sub(r"\[([^\]]*)\](\([^)]*\)|\{[^}]*\})", r"\1", line.removeprefix("- "))
                if text.strip() and wish_in(text) is not None:
                    taken.append((group.get("intent"), text.strip().lower()))
    # Telegram's own first word, which greets whoever has not left.
    assert set(taken) <= {("greet", "start"), ("greet", "/start")}


@pytest.mark.parametrize("said", ["start again", "can you text me the address", "remind me again what it costs", ""])
def test_what_only_looks_like_it_is_not(said: str) -> None:
    assert wish_in(said) is None


async def heard(shop: House, address: str, text: str, *, left: str | None) -> tuple[str | None, list[str], Standing]:
    """What is said to a message, what is noted of it, and how reminders stand then."""
    thread = await phone(shop, address)
    async with shop.system.db.transaction() as session:
        turn = await shop.turn(session, thread)
        if left is not None:
            await conversations.opt_out(session, turn.conversation, turn.now, how=left)
        before = len(await consents.load_notes(session, turn.conversation))
        said = await coming_back.hear(turn, text, "SM7")
        notes = (await consents.load_notes(session, turn.conversation))[before:]
        standing = await consent.standing(turn, Purpose.REMINDERS)
        noted = [f"{note.wish} {note.purpose} {note.how} {note.provider_id}" for note in notes]
        return said["text"] if said is not None else None, noted, standing


async def test_whoever_left_by_words_comes_back_by_words(shop: House) -> None:
    said, noted, standing = await heard(shop, HERE, "You can text me again", left="words")
    assert said is not None
    assert "here again" in said
    assert (noted, standing) == (["in any words SM7"], Standing.GIVEN)


@pytest.mark.parametrize("how", ["platform", "refused", "blocked"])
async def test_whom_the_platform_keeps_from_us_does_not(shop: House, how: str) -> None:
    assert await heard(shop, HERE, "You can text me again", left=how) == (None, [], Standing.REFUSED)


async def test_who_never_left_is_answered_as_ever(shop: House) -> None:
    assert await heard(shop, HERE, "start", left=None) == (None, [], Standing.GIVEN)


async def test_a_wish_for_reminders_is_a_yes_to_them_where_a_word_is_enough(shop: House) -> None:
    said, noted, standing = await heard(shop, US, "Send me reminders please", left="words")
    assert said is not None
    assert "STOP" in said  # carriers want more said than thanks
    assert noted == ["in any words SM7", "in reminders words SM7"]
    assert standing is Standing.GIVEN


async def test_a_wish_for_messages_is_none_for_reminders(shop: House) -> None:
    said, noted, standing = await heard(shop, US, "You can text me again", left="words")
    assert said is not None
    assert (noted, standing) == (["in any words SM7"], Standing.ASK)
