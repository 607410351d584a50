"""What customers take back by word of mouth: on the telephone, at the counter."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot import handoff
from channels import consents, conversations
from channels.consents import CORRECTED, SPOKEN, Needed, Purpose, Standing, is_spoken
from channels.models import Conversation

#: What can be taken back, and how a thread's audit calls it.
MOVES = {Purpose.ANY: "no_messages", Purpose.REMINDERS: "no_reminders"}
CORRECTION = "corrected"
LONGEST_WORDS = 500


async def record(
    session: AsyncSession,
    threads: Iterable[Conversation],
    purpose: Purpose,
    *,
    words: str,
    by: UUID,
    now: datetime,
) -> int:
    """Write down that a customer said they want no more messages, or no reminders; return in how many threads.

    Threads that stand so already are left as they are: the first word counts. `words` is what was said.
    """
    written = 0
    for thread in sorted(threads, key=lambda one: one.id):  # one order of locks, whoever asks
        locked = await conversations.load(session, thread.business_id, thread.id, for_update=True)
        if await consents.standing(session, locked, purpose, Needed.WROTE) is Standing.REFUSED:
            continue
        if purpose is Purpose.ANY:
            await conversations.opt_out(session, locked, now, how=SPOKEN, wording=words, noted_by=by)
        else:
            conversations.note_consent(locked, now, wish="out", how=SPOKEN, purpose=purpose, wording=words, noted_by=by)
        await handoff.add_event(session, locked, by, MOVES[purpose], now=now)
        written += 1
    await session.flush()
    return written


async def correct(
    session: AsyncSession, thread: Conversation, purpose: Purpose, *, words: str, by: UUID, now: datetime
) -> bool:
    """Take back what was written down by mistake, and say why; False where the last word is the customer's own.

    Both notes stay.
    """
    locked = await conversations.load(session, thread.business_id, thread.id, for_update=True)
    if not is_spoken(await consents.load_notes(session, locked), purpose):
        return False
    if purpose is Purpose.ANY:
        conversations.opt_in(locked, now, how=CORRECTED, wording=words, noted_by=by)
    else:
        conversations.note_consent(locked, now, wish="in", how=CORRECTED, purpose=purpose, wording=words, noted_by=by)
    await handoff.add_event(session, locked, by, CORRECTION, now=now)
    await session.flush()
    return True
