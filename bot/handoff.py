"""Who answers a thread: the bot, nobody yet (a person was asked for), or a person.

Every change goes through `standing.MOVES` under the dialogue's row lock, and writes its line of the audit in the
same transaction. The lock also orders the bot's turns: a person who takes a thread waits for the turn that is
running, and what that turn queued is judged again by `may_send` at the moment of sending. The bot's memory is
never touched here, so that it goes on where it stood.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.kit.live import announce
from booking_core.models import Business
from bot.models import Dialogue, HandoffNote, User
from bot.standing import BOT_SPEAKS, MOVES, Answers, Move, Standing, decide_move
from channels import conversations, messages
from channels.models import Conversation, Message, Sender

#: What the bot may still send while a person is waited for: the sentence that says so.
WAITING_ACTS = frozenset({"handoff"})
#: What it still sends while a person has put the thread aside: nobody is talking that it could talk over.
ASIDE_ACTS = frozenset({"reminder"})
#: What of the bot goes out although it does not answer.
_SENT_ALL_THE_SAME = {Answers.WAITING: WAITING_ACTS, Answers.SNOOZED: ASIDE_ACTS}
#: Threads that are woken in one look of the clockwork.
MOST_WOKEN = 100


async def ensure_dialogue(
    session: AsyncSession, business_id: UUID, conversation_id: UUID, *, for_update: bool = False
) -> Dialogue:
    """Return a thread's dialogue, made if it is not there yet; `for_update` waits for the running turn."""
    await session.execute(
        insert(Dialogue)
        .values(business_id=business_id, conversation_id=conversation_id, memory={}, answers="bot", handoff_version=0)
        .on_conflict_do_nothing()
    )
    query = select(Dialogue).where(Dialogue.business_id == business_id, Dialogue.conversation_id == conversation_id)
    if for_update:
        query = query.with_for_update()
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one()


async def ask_for_person(session: AsyncSession, conversation: Conversation, now: datetime) -> Dialogue:
    """Call a person to a thread: the bot falls silent. Nothing changes when one is called already."""
    dialogue, _ = await _move(session, conversation, Move.ASK, None, None, now)
    return dialogue


async def take_over(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    *,
    version: int | None,
    now: datetime,
) -> Dialogue:
    """Give a thread to a person; raises HandoffRefused when a colleague took it unseen."""
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, _ = await _move(session, conversation, Move.TAKE, user_id, version, now)
    return dialogue


async def reply(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    text: str,
    *,
    key: UUID,
    now: datetime,
) -> Message | None:
    """Queue a person's words and give them the thread, both or neither.

    Never overrules a colleague: that takes a deliberate `take_over` first. `key` names the attempt:
    the same key again queues nothing and returns None.
    """
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, _ = await _move(session, conversation, Move.TAKE, user_id, None, now)
    dialogue.woken_at = None  # answered: it no longer stands out
    if not await _note_once(session, conversation, key, user_id, "reply", None, now):
        return None
    return await messages.queue_message(
        session,
        conversation,
        sender=Sender.STAFF,
        text=text,
        locale=conversation.locale or await _default_locale(session, business_id),
        now=now,
        staff_user_id=user_id,
    )


async def add_note(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    text: str,
    *,
    key: UUID,
    now: datetime,
) -> bool:
    """Leave a private note for colleagues; the same `key` again writes nothing and returns False."""
    conversation = await conversations.load(session, business_id, conversation_id)
    written = await _note_once(session, conversation, key, user_id, "note", text, now)
    announce(session, business_id, conversation_id, "note")
    return written


async def add_event(
    session: AsyncSession, conversation: Conversation, user_id: UUID, move: str, *, now: datetime
) -> None:
    """Write into a thread's audit what a person did there that does not change who answers."""
    await _note_once(session, conversation, new_id(), user_id, move, None, now)
    announce(session, conversation.business_id, conversation.id, "note")


async def hand_back(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    *,
    version: int | None,
    now: datetime,
) -> Dialogue | None:
    """Give a thread back to the bot; None when the bot had it already."""
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, changed = await _move(session, conversation, Move.HAND_BACK, user_id, version, now)
    return dialogue if changed else None


async def assign(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    to: UUID,
    *,
    version: int | None,
    now: datetime,
) -> Dialogue:
    """Put a thread into a colleague's hands.

    Raises LookupError where the business has no such colleague, HandoffRefused when another has it unseen.
    """
    if await session.get(User, (business_id, to)) is None:
        raise LookupError("no such colleague")
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, _ = await _move(session, conversation, Move.ASSIGN, user_id, version, now, to=to)
    return dialogue


async def snooze(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    until: datetime | None,
    *,
    version: int | None,
    now: datetime,
) -> Dialogue:
    """Put a thread aside until a moment (None: until the customer writes); whoever does that has it then.

    Raises HandoffRefused when a colleague has it unseen.
    """
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, _ = await _move(session, conversation, Move.SNOOZE, user_id, version, now, until=until)
    return dialogue


async def resolve(
    session: AsyncSession,
    business_id: UUID,
    conversation_id: UUID,
    user_id: UUID,
    *,
    version: int | None,
    now: datetime,
) -> Dialogue:
    """Be done with a thread: nothing is said; the bot answers when the customer writes again."""
    conversation = await conversations.load(session, business_id, conversation_id)
    dialogue, _ = await _move(session, conversation, Move.RESOLVE, user_id, version, now)
    return dialogue


async def heard(session: AsyncSession, dialogue: Dialogue, conversation: Conversation, now: datetime) -> Answers:
    """Return who answers what the customer has just written: it wakes what was snoozed, reopens what was resolved.

    The caller holds the dialogue's lock.
    """
    answers = Answers(dialogue.answers)
    if MOVES[answers, Move.HEARD] is not answers:
        await _move(session, conversation, Move.HEARD, None, None, now)
    return Answers(dialogue.answers)


async def note_estimate(session: AsyncSession, dialogue: Dialogue, conversation: Conversation, now: datetime) -> None:
    """Remember, under the dialogue's lock, that the customer was told in this wait when a person answers."""
    dialogue.estimated_at = now
    await _note_once(session, conversation, new_id(), None, "estimate", None, now)


async def wake_due(session: AsyncSession, *, now: datetime) -> int:
    """Give back to their people the threads whose moment has come; returns how many."""
    due = await session.execute(
        select(Dialogue.business_id, Dialogue.conversation_id)
        .where(Dialogue.answers == Answers.SNOOZED.value, Dialogue.snoozed_until <= now)
        .order_by(Dialogue.snoozed_until)
        .limit(MOST_WOKEN)
        .with_for_update(skip_locked=True)
    )
    woken = 0
    for business_id, conversation_id in due.tuples().all():
        conversation = await conversations.load(session, business_id, conversation_id)
        _, changed = await _move(session, conversation, Move.WAKE, None, None, now)
        woken += changed
    return woken


async def bot_may_speak(session: AsyncSession, business_id: UUID, conversation_id: UUID) -> bool:
    """Whether the bot answers this thread; a thread without a dialogue is the bot's."""
    return await _answers(session, business_id, conversation_id) in BOT_SPEAKS


async def may_send(session: AsyncSession, message: Message) -> bool:
    """Judge an outgoing message once more when it is about to be sent.

    A person's words always go. The bot's go while it answers; while a person is waited for, only the
    sentence that says so; while the thread is put aside, only reminders of appointments.
    """
    if message.sender == Sender.STAFF:
        return True
    answers = await _answers(session, message.business_id, message.conversation_id)
    return answers in BOT_SPEAKS or message.act in _SENT_ALL_THE_SAME.get(answers, frozenset())


async def _answers(session: AsyncSession, business_id: UUID, conversation_id: UUID) -> Answers:
    found = await session.scalar(
        select(Dialogue.answers).where(Dialogue.business_id == business_id, Dialogue.conversation_id == conversation_id)
    )
    return Answers(found or Answers.BOT)


async def _move(
    session: AsyncSession,
    conversation: Conversation,
    move: Move,
    user_id: UUID | None,
    version: int | None,
    now: datetime,
    *,
    to: UUID | None = None,
    until: datetime | None = None,
) -> tuple[Dialogue, bool]:
    dialogue = await ensure_dialogue(session, conversation.business_id, conversation.id, for_update=True)
    before = Standing(
        Answers(dialogue.answers), dialogue.person_id, dialogue.handoff_version, until=dialogue.snoozed_until
    )
    after = decide_move(before, move, user_id, version, to=to, until=until)
    if after == before:
        return dialogue, False
    dialogue.answers = after.answers.value
    dialogue.person_id = after.person_id
    dialogue.handoff_version = after.version
    dialogue.snoozed_until = after.until
    dialogue.woken_at = now if before.answers is Answers.SNOOZED and user_id is None else None
    dialogue.estimated_at = None
    if before.answers in BOT_SPEAKS:
        conversation.outcome = "handed_off"
    await _note_once(session, conversation, new_id(), user_id, move.value, None, now, to=to, until=until)
    await session.flush()
    announce(session, conversation.business_id, conversation.id, "handoff")
    return dialogue, True


async def _note_once(
    session: AsyncSession,
    conversation: Conversation,
    key: UUID,
    user_id: UUID | None,
    move: str,
    text: str | None,
    now: datetime,
    *,
    to: UUID | None = None,
    until: datetime | None = None,
) -> bool:
    written = await session.execute(
        insert(HandoffNote)
        .values(
            business_id=conversation.business_id,
            id=key,
            conversation_id=conversation.id,
            at=now,
            user_id=user_id,
            move=move,
            text=text,
            to_id=to,
            until=until,
        )
        .on_conflict_do_nothing()
        .returning(HandoffNote.id)
    )
    return written.first() is not None


async def _default_locale(session: AsyncSession, business_id: UUID) -> str:
    business = await session.get_one(Business, business_id)
    return business.default_locale
