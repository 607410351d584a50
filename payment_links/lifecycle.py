"""Where a payment may go from where it stands: one table, held against the database's own constraint."""

from enum import StrEnum

from payment_links.models import PaymentState


class Move(StrEnum):
    """Everything that can happen to a request for money."""

    OPEN = "open"  # its page exists
    PAY = "pay"  # money came, and the slot is there
    PAY_LATE = "pay_late"  # money came without a slot: it goes back
    CLOSE = "close"  # no longer wanted
    FAIL = "fail"  # the provider will make no page for it
    ASK_REFUND = "ask_refund"
    REFUND = "refund"  # the provider has given the money back


_UNPAID = (PaymentState.REQUESTED, PaymentState.OPEN, PaymentState.CLOSED, PaymentState.FAILED)

#: Money may come in every unpaid state, closed and failed too: a customer pays while we close the page.
MOVES: dict[tuple[PaymentState, Move], PaymentState] = {
    (PaymentState.REQUESTED, Move.OPEN): PaymentState.OPEN,
    (PaymentState.REQUESTED, Move.FAIL): PaymentState.FAILED,
    (PaymentState.REQUESTED, Move.CLOSE): PaymentState.CLOSED,
    (PaymentState.OPEN, Move.CLOSE): PaymentState.CLOSED,
    **{(state, Move.PAY): PaymentState.PAID for state in _UNPAID},
    **{(state, Move.PAY_LATE): PaymentState.PAID_LATE for state in _UNPAID},
    (PaymentState.PAID, Move.ASK_REFUND): PaymentState.REFUND_PENDING,
    # Somebody refunds it in the provider's dashboard.
    (PaymentState.PAID, Move.REFUND): PaymentState.REFUNDED,
    (PaymentState.PAID_LATE, Move.REFUND): PaymentState.REFUNDED,
    (PaymentState.REFUND_PENDING, Move.REFUND): PaymentState.REFUNDED,
}

#: The customer can still pay by this link, or will be able to.
LIVE = frozenset({PaymentState.REQUESTED, PaymentState.OPEN})
#: Money of this payment has reached us at some time.
MONEY_CAME = frozenset({PaymentState.PAID, PaymentState.PAID_LATE, PaymentState.REFUND_PENDING, PaymentState.REFUNDED})
#: We owe the customer a refund that the provider has not confirmed.
OWED = frozenset({PaymentState.PAID_LATE, PaymentState.REFUND_PENDING})


class MoveRefused(Exception):
    """The payment's state does not allow the move: a mistake of the caller."""

    def __init__(self, state: PaymentState, move: Move) -> None:
        super().__init__(f"{move} from {state}")
        self.state = state
        self.move = move


def after(state: str, move: Move) -> PaymentState:
    """Return the state that follows; raises MoveRefused."""
    current = PaymentState(state)
    try:
        return MOVES[current, move]
    except KeyError:
        raise MoveRefused(current, move) from None


def allows(state: str, move: Move) -> bool:
    """Whether the state allows the move."""
    return (PaymentState(state), move) in MOVES
