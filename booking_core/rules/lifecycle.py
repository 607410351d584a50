"""The states of a booking and the moves between them: one table."""

from enum import StrEnum

from booking_core.models import State
from booking_core.refusals import BookingRefused, Reason


class Move(StrEnum):
    """Everything that can happen to a booking."""

    CONFIRM = "confirm"
    #: The business agrees to a request: what is due is asked for, or it is confirmed at once.
    APPROVE = "approve"
    APPROVE_AND_HOLD = "approve_and_hold"
    DECLINE = "decline"
    RESCHEDULE = "reschedule"
    CANCEL_BY_CUSTOMER = "cancel_by_customer"
    CANCEL_BY_BUSINESS = "cancel_by_business"
    EXPIRE = "expire"
    #: Paid after the hold ran out, and the time was still free.
    RETAKE = "retake"
    CHECK_IN = "check_in"
    COMPLETE = "complete"
    MARK_NO_SHOW = "mark_no_show"
    #: Staff pressed the wrong button.
    UNDO_CHECK_IN = "undo_check_in"


MOVES: dict[tuple[State, Move], State] = {
    (State.HELD, Move.CONFIRM): State.CONFIRMED,
    (State.HELD, Move.RESCHEDULE): State.HELD,
    (State.HELD, Move.CANCEL_BY_CUSTOMER): State.CANCELLED_BY_CUSTOMER,
    (State.HELD, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.HELD, Move.EXPIRE): State.EXPIRED,
    (State.PENDING_APPROVAL, Move.APPROVE): State.CONFIRMED,
    (State.PENDING_APPROVAL, Move.APPROVE_AND_HOLD): State.HELD,
    (State.PENDING_APPROVAL, Move.DECLINE): State.DECLINED,
    (State.PENDING_APPROVAL, Move.RESCHEDULE): State.PENDING_APPROVAL,
    (State.PENDING_APPROVAL, Move.CANCEL_BY_CUSTOMER): State.CANCELLED_BY_CUSTOMER,
    (State.PENDING_APPROVAL, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.PENDING_APPROVAL, Move.EXPIRE): State.EXPIRED,
    (State.EXPIRED, Move.RETAKE): State.CONFIRMED,
    (State.CONFIRMED, Move.RESCHEDULE): State.CONFIRMED,
    (State.CONFIRMED, Move.CANCEL_BY_CUSTOMER): State.CANCELLED_BY_CUSTOMER,
    (State.CONFIRMED, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.CONFIRMED, Move.CHECK_IN): State.CHECKED_IN,
    (State.CONFIRMED, Move.COMPLETE): State.COMPLETED,
    (State.CONFIRMED, Move.MARK_NO_SHOW): State.NO_SHOW,
    (State.CHECKED_IN, Move.COMPLETE): State.COMPLETED,
    (State.CHECKED_IN, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.CHECKED_IN, Move.UNDO_CHECK_IN): State.CONFIRMED,
    (State.COMPLETED, Move.MARK_NO_SHOW): State.NO_SHOW,
    (State.NO_SHOW, Move.COMPLETE): State.COMPLETED,
    # Nobody came for what was lent for a week: it can be lent to others.
    (State.NO_SHOW, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.NO_SHOW, Move.CHECK_IN): State.CHECKED_IN,
}

#: Whoever is in one of these has an allocation; nobody else has.
TAKES_TIME = frozenset(
    {State.HELD, State.PENDING_APPROVAL, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED, State.NO_SHOW}
)
#: Not firm yet: it lapses by the clock.
TENTATIVE = frozenset({State.HELD, State.PENDING_APPROVAL})
#: Over without having taken place.
CANCELLED = frozenset({State.CANCELLED_BY_CUSTOMER, State.CANCELLED_BY_BUSINESS, State.DECLINED})


def after(state: str, move: Move) -> State:
    """Return the state after a move; refuses a move that the state does not allow."""
    try:
        return MOVES[State(state), move]
    except KeyError:
        raise BookingRefused(Reason.NOT_NOW, state=str(state), move=move.value) from None
