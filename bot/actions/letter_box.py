"""An e-mail address in a message: a letter asks whether it is the customer's, and the talk goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from booking_core import customers
from bot import letters, mail_links
from bot.actions.contract import Turn
from channels import mail_threads, messages
from channels.mail_address import find_address
from channels.models import CustomerEmail
from nlu.pipeline.texts import fold

#: So many words beside an address are about the address ("send me the confirmation at ...").
_ABOUT_IT = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """An address that was heard: what else the message says, and which sentence answers it."""

    rest: str
    alone: bool
    key: str
    address: str

    def said(self, turn: Turn) -> dict[str, Any]:
        """Return the answer, in the language of the turn."""
        return turn.say(self.key, act="info", address=self.address)


async def with_open_question(turn: Turn, memory: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said with the question that is still open, so that nobody wonders what to answer."""
    asked = await messages.last_question(turn.session, turn.conversation) if memory.get("form") else None
    if asked is None:
        return said
    choices = [{"label": one.label, **one.meaning} for one in await messages.choices_of(turn.session, asked)]
    return {"text": f"{said['text']} {asked.text}", "act": asked.act, "facts": asked.facts, "choices": choices}


async def hear(turn: Turn, text: str) -> Taken | None:
    """Take an address out of a message and ask by letter whether it is theirs; None where there is none to take.

    An address that answers a question of the business's own stays an answer.
    """
    found = find_address(text)
    asked = turn.last.act if turn.last is not None and turn.last.sender == "bot" else None
    general, _ = letters.wish_of(turn.business)
    if found is None or asked == "ask_detail" or general == "off":
        return None
    address, rest = found
    key = await _ask(turn, address, general)
    return Taken(rest, not _says_more(turn, rest), key, address)


async def _ask(turn: Turn, address: str, general: str) -> str:
    if turn.customer is None:
        turn.customer = await customers.load_or_create(
            turn.session, turn.business.id, turn.conversation.customer_id, name=None, locale=turn.locale, now=turn.now
        )
        turn.conversation.customer_id = turn.customer.id
    account = await letters.account_of(turn.session, turn.business)
    thread, token = await mail_threads.propose(
        turn.session, account, turn.customer.id, address, locale=turn.locale, now=turn.now
    )
    row = await turn.session.get_one(CustomerEmail, (turn.business.id, turn.customer.id))
    # Who gives an address wants letters, whatever else they get.
    row.use = "also" if general == "fallback" else None
    if token is None:
        return "email.known" if row.confirmed_at is not None else "email.enough"
    await messages.queue_message(
        turn.session,
        thread,
        sender="bot",
        text=turn.words.text(
            turn.locale, "mail.confirm", business=turn.business.name, url=mail_links.confirm_url(turn.base_url, token)
        ),
        act=mail_threads.CONFIRM_ACT,
        locale=turn.locale,
        now=turn.now,
    )
    return "email.asked"


def _says_more(turn: Turn, rest: str) -> bool:
    """Whether a message is about more than its address: something is asked, counted, or named that is sold here."""
    if "?" in rest or any(letter.isdigit() for letter in rest) or len(rest.split()) > _ABOUT_IT:
        return True
    told = fold(rest)
    names = {
        fold(name)
        for one in turn.catalog.services
        for name in (one.name, *one.names.values(), *_synonyms(one.synonyms))
    }
    return any(name and name in told for name in names)


def _synonyms(synonyms: dict[str, list[str]]) -> list[str]:
    return [word for words in synonyms.values() for word in words]
