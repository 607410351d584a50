"""Who answers a thread: the bot, nobody yet (a person was asked for), or a person.

Every change goes through `MOVES` under the dialogue's row lock, which also orders the bot's turns: a
person who takes a thread waits for the turn that is running, and what that turn queued is judged
again by `may_send` at the moment of sending. The bot's memory is never touched here, so that it goes
on where it stood.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.kit.live import announce
from booking_core.models import Business
from bot.models import Dialogue, HandoffNote
from channels import conversations, messages
from channels.models import Conversation, Message, Sender


class Answers(StrEnum):
    """Who answers."""

    BOT = "bot"
    WAITING = "waiting"
    PERSON = "person"


class Move(StrEnum):
    """What changes who answers."""

    ASK = "ask"
    TAKE = "take"
    HAND_BACK = "hand_back"


#: Every pair is answered; a pair that leads to itself changes nothing and leaves no note.
MOVES: dict[tuple[Answers, Move], Answers] = {
    (Answers.BOT, Move.ASK): Answers.WAITING,
    (Answers.WAITING, Move.ASK): Answers.WAITING,
    (Answers.PERSON, Move.ASK): Answers.PERSON,
    (Answers.BOT, Move.TAKE): Answers.PERSON,
    (Answers.WAITING, Move.TAKE): Answers.PERSON,
    (Answers.PERSON, Move.TAKE): Answers.PERSON,
    (Answers.BOT, Move.HAND_BACK): Answers.BOT,
    (Answers.WAITING, Move.HAND_BACK): Answers.BOT,
    (Answers.PERSON, Move.HAND_BACK): Answers.BOT,
}

#: What the bot may still send while a person is waited for: the sentence that says so.
WAITING_ACTS = frozenset({"handoff"})


class Refusal(StrEnum):
    """Why a person's move was refused."""

    TAKEN = "taken"  # a colleague has the thread, and the caller did not know
    CHANGED = "changed"  # it went another way since the caller looked


class HandoffRefused(Exception):
    """A move was refused and nothing was changed; `person_id` is who has the thread, if anybody."""

    def __init__(self, reason: Refusal, person_id: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.person_id = person_id


@dataclass(frozen=True, slots=True)
class Standing:
    """Who answers now, and the version that a caller must have seen to overrule a colleague."""

    answers: Answers
    person_id: UUID | None
    version: int


def decide_move(standing: Standing, move: Move, user_id: UUID | None, version: int | None) -> Standing:
    """Return how a thread stands after a move; the same standing when there is nothing to change.

    Taking a thread that nobody has never conflicts; overruling a colleague, or handing back what one
    does not hold, needs the version that shows the caller knew.
    """
    unaware = version != standing.version
    mine = standing.person_id == user_id
    if move is Move.TAKE and standing.answers is Answers.PERSON and unaware and not mine:
        raise HandoffRefused(Refusal.TAKEN, standing.person_id)
    if move is Move.HAND_BACK and standing.answers is not Answers.BOT and unaware and not mine:
        raise HandoffRefused(Refusal.TAKEN if standing.person_id else Refusal.CHANGED, standing.person_id)
    answers = MOVES[standing.answers, move]
    person_id = user_id if move is Move.TAKE else standing.person_id if answers is Answers.PERSON else None
    if (answers, person_id) == (standing.answers, standing.person_id):
        return standing
    return Standing(answers, person_id, standing.version + 1)


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
    await _move(session, conversation, Move.TAKE, user_id, None, now)
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


async def bot_may_speak(session: AsyncSession, business_id: UUID, conversation_id: UUID) -> bool:
    """Whether the bot answers this thread; a thread without a dialogue is the bot's."""
    return await _answers(session, business_id, conversation_id) is Answers.BOT


async def may_send(session: AsyncSession, message: Message) -> bool:
    """Judge an outgoing message once more when it is about to be sent.

    A person's words always go. The bot's go while it answers; while a person is waited for, only the
    sentence that says so.
    """
    if message.sender == Sender.STAFF:
        return True
    answers = await _answers(session, message.business_id, message.conversation_id)
    return answers is Answers.BOT or (answers is Answers.WAITING and message.act in WAITING_ACTS)


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
) -> tuple[Dialogue, bool]:
    dialogue = await ensure_dialogue(session, conversation.business_id, conversation.id, for_update=True)
    before = Standing(Answers(dialogue.answers), dialogue.person_id, dialogue.handoff_version)
    after = decide_move(before, move, user_id, version)
    if after == before:
        return dialogue, False
    dialogue.answers = after.answers.value
    dialogue.person_id = after.person_id
    dialogue.handoff_version = after.version
    if move is not Move.HAND_BACK:
        conversation.outcome = "handed_off"
    await _note_once(session, conversation, new_id(), user_id, move.value, None, now)
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
        )
        .on_conflict_do_nothing()
        .returning(HandoffNote.id)
    )
    return written.first() is not None


async def _default_locale(session: AsyncSession, business_id: UUID) -> str:
    business = await session.get_one(Business, business_id)
    return business.default_locale
