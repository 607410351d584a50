"""How a thread stands: who answers it, what may change that, and who is told that they came too late.

Pure: `bot/handoff.py` applies these under the dialogue's row lock.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Answers(StrEnum):
    """Who answers."""

    BOT = "bot"
    WAITING = "waiting"  # a person was asked for, none has it
    PERSON = "person"
    SNOOZED = "snoozed"  # a person has it, and put it aside until a moment or until the customer writes
    RESOLVED = "resolved"  # a person is done with it; the bot answers whatever comes next


class Move(StrEnum):
    """What changes who answers."""

    ASK = "ask"
    TAKE = "take"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    WAKE = "wake"  # the moment has come
    HEARD = "heard"  # the customer wrote
    RESOLVE = "resolve"
    HAND_BACK = "hand_back"


#: Every pair is answered; a pair that leads to itself changes nothing and leaves no note, unless the person or the
#: moment changes.
MOVES: dict[tuple[Answers, Move], Answers] = {
    (Answers.BOT, Move.ASK): Answers.WAITING,
    (Answers.BOT, Move.TAKE): Answers.PERSON,
    (Answers.BOT, Move.ASSIGN): Answers.PERSON,
    (Answers.BOT, Move.SNOOZE): Answers.SNOOZED,
    (Answers.BOT, Move.WAKE): Answers.BOT,
    (Answers.BOT, Move.HEARD): Answers.BOT,
    (Answers.BOT, Move.RESOLVE): Answers.BOT,
    (Answers.BOT, Move.HAND_BACK): Answers.BOT,
    (Answers.WAITING, Move.ASK): Answers.WAITING,
    (Answers.WAITING, Move.TAKE): Answers.PERSON,
    (Answers.WAITING, Move.ASSIGN): Answers.PERSON,
    (Answers.WAITING, Move.SNOOZE): Answers.SNOOZED,
    (Answers.WAITING, Move.WAKE): Answers.WAITING,
    (Answers.WAITING, Move.HEARD): Answers.WAITING,
    (Answers.WAITING, Move.RESOLVE): Answers.RESOLVED,
    (Answers.WAITING, Move.HAND_BACK): Answers.BOT,
    (Answers.PERSON, Move.ASK): Answers.PERSON,
    (Answers.PERSON, Move.TAKE): Answers.PERSON,
    (Answers.PERSON, Move.ASSIGN): Answers.PERSON,
    (Answers.PERSON, Move.SNOOZE): Answers.SNOOZED,
    (Answers.PERSON, Move.WAKE): Answers.PERSON,
    (Answers.PERSON, Move.HEARD): Answers.PERSON,
    (Answers.PERSON, Move.RESOLVE): Answers.RESOLVED,
    (Answers.PERSON, Move.HAND_BACK): Answers.BOT,
    (Answers.SNOOZED, Move.ASK): Answers.PERSON,
    (Answers.SNOOZED, Move.TAKE): Answers.PERSON,
    (Answers.SNOOZED, Move.ASSIGN): Answers.PERSON,
    (Answers.SNOOZED, Move.SNOOZE): Answers.SNOOZED,
    (Answers.SNOOZED, Move.WAKE): Answers.PERSON,
    (Answers.SNOOZED, Move.HEARD): Answers.PERSON,
    (Answers.SNOOZED, Move.RESOLVE): Answers.RESOLVED,
    (Answers.SNOOZED, Move.HAND_BACK): Answers.BOT,
    (Answers.RESOLVED, Move.ASK): Answers.WAITING,
    (Answers.RESOLVED, Move.TAKE): Answers.PERSON,
    (Answers.RESOLVED, Move.ASSIGN): Answers.PERSON,
    (Answers.RESOLVED, Move.SNOOZE): Answers.SNOOZED,
    (Answers.RESOLVED, Move.WAKE): Answers.RESOLVED,
    (Answers.RESOLVED, Move.HEARD): Answers.BOT,
    (Answers.RESOLVED, Move.RESOLVE): Answers.RESOLVED,
    (Answers.RESOLVED, Move.HAND_BACK): Answers.RESOLVED,
}

#: Somebody's: the thread has a `person_id` then, and only then.
HELD = frozenset({Answers.PERSON, Answers.SNOOZED})
#: The bot may say whatever it has to say.
BOT_SPEAKS = frozenset({Answers.BOT, Answers.RESOLVED})
#: Moves that put the thread into somebody's hands.
_TAKING = frozenset({Move.TAKE, Move.ASSIGN, Move.SNOOZE})
#: Moves that end a person's work on it.
_ENDING = frozenset({Move.RESOLVE, Move.HAND_BACK})


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
    """Who answers now, and the version that a caller must have seen to overrule a colleague.

    `until` is when a snoozed thread comes back by itself; None: only when the customer writes.
    """

    answers: Answers
    person_id: UUID | None
    version: int
    until: datetime | None = None


def decide_move(
    standing: Standing,
    move: Move,
    user_id: UUID | None,
    version: int | None,
    *,
    to: UUID | None = None,
    until: datetime | None = None,
) -> Standing:
    """Return how a thread stands after a move; the same standing when there is nothing to change.

    Taking a thread that nobody has never conflicts; overruling a colleague, or ending what one does not
    hold, needs the version that shows the caller knew. `to` is who an ASSIGN is for, `until` a SNOOZE's end.
    """
    unaware = version != standing.version
    mine = standing.person_id == user_id
    if move in _TAKING and standing.person_id is not None and unaware and not mine:
        raise HandoffRefused(Refusal.TAKEN, standing.person_id)
    if move in _ENDING and standing.answers not in BOT_SPEAKS and unaware and not mine:
        raise HandoffRefused(Refusal.TAKEN if standing.person_id else Refusal.CHANGED, standing.person_id)
    answers = MOVES[standing.answers, move]
    after = Standing(answers, None, standing.version)
    if answers in HELD:
        holder = to if move is Move.ASSIGN else user_id if move in _TAKING else standing.person_id
        ends = until if move is Move.SNOOZE else standing.until if answers is Answers.SNOOZED else None
        after = Standing(answers, holder, standing.version, ends)
    if after == standing:
        return standing
    return Standing(after.answers, after.person_id, standing.version + 1, after.until)
