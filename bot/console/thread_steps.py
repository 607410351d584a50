"""What a person can do with a thread, each from its form and in one transaction; refusals are worded here."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot import handoff, replies
from bot.console.access import Visitor
from bot.console.desk import Desk
from bot.console.forms import read_key, read_number, read_text
from bot.console.snooze import NoSuchMoment, moment_for
from bot.models import User
from bot.replies import ReplyRefused
from bot.standing import HandoffRefused
from channels import conversations

Step = Callable[[Desk, AsyncSession, Visitor, UUID, Request], Awaitable[None]]
#: What a step may be refused by: nothing was changed then.
REFUSALS = (HandoffRefused, ReplyRefused, NoSuchMoment)


async def take(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Take the thread."""
    version = await read_number(request, "version")
    now = await current_time(session)
    await handoff.take_over(session, visitor.business_id, thread_id, visitor.user_id, version=version, now=now)


async def assign(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Give the thread to a colleague."""
    said = await read_text(request, "to", 40)
    try:
        to = UUID(said)
    except ValueError as wrong:
        raise LookupError("no such colleague") from wrong
    version = await read_number(request, "version")
    now = await current_time(session)
    await handoff.assign(session, visitor.business_id, thread_id, visitor.user_id, to, version=version, now=now)


async def snooze(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Put the thread aside."""
    version = await read_number(request, "version")
    choice, at = await read_text(request, "until", 20), await read_text(request, "at", 40)
    now = await current_time(session)
    until = moment_for(choice, at, tz=visitor.tz, now=now)
    await handoff.snooze(session, visitor.business_id, thread_id, visitor.user_id, until, version=version, now=now)


async def resolve(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Be done with the thread."""
    version = await read_number(request, "version")
    now = await current_time(session)
    await handoff.resolve(session, visitor.business_id, thread_id, visitor.user_id, version=version, now=now)


async def give_back(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Hand the thread back to the bot, which goes on with a recap."""
    version = await read_number(request, "version")
    now = await current_time(session)
    dialogue = await handoff.hand_back(
        session, visitor.business_id, thread_id, visitor.user_id, version=version, now=now
    )
    if dialogue is not None and desk.handed_back is not None:
        await desk.handed_back(session, dialogue, now)


async def write(desk: Desk, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Send a reply with its tokens filled, or leave a private note where the form says so."""
    text = await read_text(request, "text")
    key = await read_key(request)
    whose = (visitor.business_id, thread_id, visitor.user_id)
    now = await current_time(session)
    conversation = await conversations.load(session, visitor.business_id, thread_id)
    if not text:
        return
    if await read_text(request, "mode", 10) == "note":
        await handoff.add_note(session, *whose, text, key=key, now=now)
        return
    text = await replies.filled_or_refused(desk, session, conversation, text, now=now)
    await handoff.reply(session, *whose, text, key=key, now=now)


async def worded(desk: Desk, session: AsyncSession, visitor: Visitor, refused: Exception | None) -> str:
    """Return why a step was refused, in the reader's language; empty where it was not."""
    match refused:
        case HandoffRefused(reason=reason, person_id=person_id):
            person = await session.get(User, (visitor.business_id, person_id)) if person_id else None
            name = person.name if person else ""
            return desk.words.text(visitor.language, f"console.refused.{reason}", name=name)
        case ReplyRefused():
            return reply_refused(desk, visitor, refused)
        case NoSuchMoment():
            return desk.words.text(visitor.language, "console.snooze.no_such_moment")
        case _:
            return ""


def reply_refused(desk: Desk, visitor: Visitor, refused: ReplyRefused) -> str:
    """Return why a canned reply was not sent or kept."""
    tokens = ", ".join(f"{{{one}}}" for one in refused.tokens)
    return desk.words.text(visitor.language, f"console.replies.refused.{refused.fault}", tokens=tokens)
