"""The states of a booking and the moves between them: one table."""

from enum import StrEnum

from booking_core.models import State
from booking_core.refusals import BookingRefused, Reason


class Move(StrEnum):
    """Everything that can happen to a booking."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    CANCEL_BY_CUSTOMER = "cancel_by_customer"
    CANCEL_BY_BUSINESS = "cancel_by_business"
    EXPIRE = "expire"
    #: Paid after the hold ran out, and the time was still free.
    RETAKE = "retake"
    COMPLETE = "complete"
    MARK_NO_SHOW = "mark_no_show"


MOVES: dict[tuple[State, Move], State] = {
    (State.HELD, Move.CONFIRM): State.CONFIRMED,
    (State.HELD, Move.RESCHEDULE): State.HELD,
    (State.HELD, Move.CANCEL_BY_CUSTOMER): State.CANCELLED_BY_CUSTOMER,
    (State.HELD, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.HELD, Move.EXPIRE): State.EXPIRED,
    (State.EXPIRED, Move.RETAKE): State.CONFIRMED,
    (State.CONFIRMED, Move.RESCHEDULE): State.CONFIRMED,
    (State.CONFIRMED, Move.CANCEL_BY_CUSTOMER): State.CANCELLED_BY_CUSTOMER,
    (State.CONFIRMED, Move.CANCEL_BY_BUSINESS): State.CANCELLED_BY_BUSINESS,
    (State.CONFIRMED, Move.COMPLETE): State.COMPLETED,
    (State.CONFIRMED, Move.MARK_NO_SHOW): State.NO_SHOW,
    # Staff pressed the wrong button.
    (State.COMPLETED, Move.MARK_NO_SHOW): State.NO_SHOW,
    (State.NO_SHOW, Move.COMPLETE): State.COMPLETED,
}

#: Whoever is in one of these has an allocation; nobody else has.
TAKES_TIME = frozenset({State.HELD, State.CONFIRMED, State.COMPLETED, State.NO_SHOW})
#: Over without having taken place.
CANCELLED = frozenset({State.CANCELLED_BY_CUSTOMER, State.CANCELLED_BY_BUSINESS})


def after(state: str, move: Move) -> State:
    """Return the state after a move; refuses a move that the state does not allow."""
    try:
        return MOVES[State(state), move]
    except KeyError:
        raise BookingRefused(Reason.NOT_NOW, state=str(state), move=move.value) from None
