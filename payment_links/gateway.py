"""What a payment provider is: it opens a page, closes it, and gives money back. Nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class GatewayError(Exception):
    """The provider did not do it. `code` is the provider's own, or ours in lower case."""

    def __init__(self, code: str, *, retryable: bool) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class LinkWanted:
    """A page to pay on. The same `key` always gets the same page."""

    key: str
    reference: str
    title: str
    #: In the currency's minor unit.
    amount: int
    currency: str
    locale: str
    expires_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """The page exists."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class RefundWanted:
    """Money to give back: all of it if `amount` is None. The same `key` gives it back once."""

    key: str
    intent_id: str
    amount: int | None
    currency: str
    metadata: Mapping[str, str]


class RefundStatus(StrEnum):
    """What the provider says of a refund."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RefundMade:
    """The provider has taken the refund; None where it was already given back by other means."""

    refund_id: str | None
    status: RefundStatus


class PaymentGateway(Protocol):
    """A payment provider; every method raises GatewayError."""

    async def open_link(self, wanted: LinkWanted) -> LinkOpened:
        """Make the page, or return the one made earlier with this key."""
        ...

    async def close_link(self, session_id: str) -> Mapping[str, Any] | None:
        """Make the page unpayable; returns the provider's session if it was paid before that."""
        ...

    async def refund(self, wanted: RefundWanted) -> RefundMade:
        """Give money back, once for each key."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
