"""Who agreed to what: read from the notes of a thread, which are only ever added to."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.models import ConsentNote, Conversation


class Purpose(StrEnum):
    """What messages are for that nobody has just asked for. `any`: whatever it is."""

    ANY = "any"
    REMINDERS = "reminders"
    MARKETING = "marketing"


class Needed(StrEnum):
    """What must have been said before (data/consent.yml); each is more than the one before."""

    WROTE = "wrote"
    EXPRESS = "express"
    DOUBLE = "double"


class Standing(StrEnum):
    """How a thread stands for a purpose."""

    GIVEN = "given"
    ASK = "ask"  # it may be asked for
    ASKED = "asked"  # often enough, and without an answer
    REFUSED = "refused"


#: How sure each way of saying yes is. Only an answer from the address itself is `double`.
PROVES = {
    "wrote": Needed.WROTE,
    "unblocked": Needed.WROTE,
    "platform": Needed.WROTE,  # START takes a STOP back; it agrees to nothing new
    "words": Needed.EXPRESS,
    "answered": Needed.DOUBLE,
    "link": Needed.DOUBLE,
}
#: How a wish came about that was said to somebody of the business, and how that was taken back as a mistake. Neither
#: proves a yes: after a correction holds what proves itself, and what was agreed to before somebody left.
SPOKEN, CORRECTED = "spoken", "corrected"
#: So often one question is asked, if nobody answers it.
MOST_ASKED = 2
_ORDER = list(Needed)


class Note(Protocol):
    """What counts of a note."""

    wish: str
    how: str
    purpose: str


def stronger(one: Needed, other: Needed) -> Needed:
    """Return the one of two that asks for more."""
    return max(one, other, key=_ORDER.index)


def decide_standing(notes: Iterable[Note], purpose: Purpose, needed: Needed) -> Standing:
    """Return how a thread stands, from all its notes in their order.

    Leaving refuses everything until the person comes back; then what they had agreed to holds again. The last word
    about a purpose counts.
    """
    left, asked = False, 0
    own: bool | None = None
    proved = [Needed.WROTE]  # there is a thread: they have written, or their letter's link was opened
    for note in notes:
        if note.purpose == Purpose.ANY and note.wish in {"in", "out"}:
            left = note.wish == "out"
        elif note.purpose == purpose:
            match note.wish:
                case "asked":
                    asked += 1
                case "in":
                    own, asked = True, 0
                    proved.append(PROVES.get(note.how, Needed.WROTE))
                case "out":
                    own, asked, proved = False, 0, [Needed.WROTE]
    if left or own is False:
        return Standing.REFUSED
    if max(_ORDER.index(one) for one in proved) >= _ORDER.index(needed):
        return Standing.GIVEN
    return Standing.ASK if asked < MOST_ASKED else Standing.ASKED


def is_spoken(notes: Iterable[Note], purpose: Purpose) -> bool:
    """Whether the last word for a purpose is a no that was only told of, not the person's own message or tap."""
    own = [note for note in notes if note.purpose == purpose and note.wish in {"in", "out"}]
    return bool(own) and own[-1].wish == "out" and own[-1].how == SPOKEN


async def load_notes(session: AsyncSession, conversation: Conversation) -> list[ConsentNote]:
    """Return every note of a thread, the oldest first."""
    found = await session.scalars(
        select(ConsentNote)
        .where(ConsentNote.business_id == conversation.business_id, ConsentNote.conversation_id == conversation.id)
        .order_by(ConsentNote.at, ConsentNote.id)
    )
    return list(found)


async def standing(session: AsyncSession, conversation: Conversation, purpose: Purpose, needed: Needed) -> Standing:
    """Return how a thread stands for a purpose now."""
    found = decide_standing(await load_notes(session, conversation), purpose, needed)
    # Of threads that left before notes were kept, only this is known.
    return Standing.REFUSED if conversation.opted_out_at is not None else found
