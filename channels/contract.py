"""What a channel is: it reads what the world sends and sends what we queue. Nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType, Protocol, runtime_checkable

from fastapi import Request

ProviderId = NewType("ProviderId", str)


class Unauthentic(Exception):
    """The request does not prove that it comes from the provider."""


class Malformed(Exception):
    """The request is authentic but not of the provider's form."""


class SendError(Exception):
    """A message could not be sent. `code` is the provider's own, or ours in lower case."""

    def __init__(
        self,
        code: str,
        *,
        retryable: bool,
        retry_after: timedelta | None = None,
        opted_out: bool = False,
        unsure: bool = False,
        needs_template: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        #: The customer wants no more messages here: recorded as an opt-out.
        self.opted_out = opted_out
        #: It may have been sent (a read time-out): look it up before sending again.
        self.unsure = unsure
        #: The platform takes only an approved template now (WhatsApp, after 24 hours).
        self.needs_template = needs_template


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """Somebody wrote or tapped."""

    account: str  # our own address it was sent to
    address: str  # the customer's, an opaque string
    provider_id: ProviderId
    text: str = ""
    choice: str | None = None  # the token of a tapped choice
    in_reply_to: ProviderId | None = None
    display_name: str | None = None
    locale: str | None = None  # what the platform says of the person's language
    attachments: Sequence[Mapping[str, str]] = ()
    platform_opt: str | None = None  # stop | start | help: the platform has answered this itself
    corrects: ProviderId | None = None  # an edit: the message whose words these replace
    acknowledge: bool = False  # a tap that the platform wants confirmed, or a message to answer visibly, by a job
    also: Sequence[str] = ()  # other addresses of the same person on this channel, told by the platform
    introduces: str | None = None  # a one-time token that joins this thread to a known customer


@dataclass(frozen=True, slots=True)
class DeliveryReported:
    """The provider says what became of a message of ours; `status` is a `Delivery` value."""

    provider_id: ProviderId
    status: str
    error: str | None = None
    account: str | None = None  # our own address it was sent from
    key: str | None = None  # the `OutgoingMessage.key`, where the provider hands it back
    opted_out: bool = False
    #: The failure passes: the message may go again, not before `retry_after`.
    retryable: bool = False
    retry_after: timedelta | None = None
    needs_template: bool = False


@dataclass(frozen=True, slots=True)
class ChannelLeft:
    """The customer blocked us (Telegram): an opt-out."""

    account: str
    address: str


@dataclass(frozen=True, slots=True)
class ChannelReturned:
    """The customer unblocked us."""

    account: str
    address: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Authentic, understood, of no interest."""

    reason: str


@dataclass(frozen=True, slots=True)
class AddedToGroup:
    """Somebody put us into a group, where we do not speak."""

    account: str
    address: str
    locale: str | None = None


Event = IncomingMessage | DeliveryReported | ChannelLeft | ChannelReturned | AddedToGroup | Ignored


@dataclass(frozen=True, slots=True)
class Choice:
    """One option under a message; `id` is an opaque token."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """An approved template in place of free text: the provider's id, its values, and how it reads with them."""

    name: str
    sid: str
    variables: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar object that goes with a letter: its iTIP method (RFC 5546), its text and its file's name."""

    method: str
    text: str
    filename: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as an e-mail: what a text in a thread has no place for."""

    subject: str
    #: The business: the name in From, and where answers go; None: nowhere.
    from_name: str
    reply_to: str | None
    text: str
    html: str
    #: What it is about, the same in every letter about it, so that mailboxes keep them together.
    about: str
    written_at: datetime
    calendar: CalendarFile | None = None
    #: Where one POST ends these letters (RFC 8058), in letters that nobody has just asked for.
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Provider ids of one account around a message whose sending was interrupted (`channels/neighbours.py`)."""

    #: Given before it was written: older than its own.
    before: Sequence[str]
    #: Given at any time since, as far as it is known.
    since: Sequence[str]
    #: Given to messages that were written when it had long been certain that nobody sends this one: newer than its own.
    after: Sequence[str]
    #: No other message of its thread can have an id that is not known.
    alone: bool
    #: Nobody has been sending it for a while: what the provider does not have now it will not have.
    at_rest: bool


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send. `key` names our own row, the same on every attempt; opaque to adapters."""

    key: str
    account: str
    address: str
    text: str
    choices: Sequence[Choice] = field(default=())
    locale: str = "en"
    #: Provider ids of other messages of this thread with the same words: never this one's.
    others: Sequence[str] = field(default=())
    #: The provider may drop it when it could not deliver it for so long.
    useful_for: timedelta | None = None
    template: TemplateUse | None = None
    #: How it reads as an e-mail; only there.
    letter: Letter | None = None
    #: Only for a look-up.
    neighbours: Neighbours | None = None


class Channel(Protocol):
    """An adapter: parses and sends; no session, no booking words."""

    @property
    def name(self) -> str:
        """What the channel is called in rows and addresses."""
        ...

    @property
    def quiet(self) -> timedelta:
        """How long to wait for the rest of a burst of free text."""
        ...

    async def read(self, request: Request) -> list[Event]:
        """Verify and parse a webhook; raises Unauthentic or Malformed."""
        ...

    async def send(self, message: OutgoingMessage) -> ProviderId:
        """Hand a message to the provider; raises SendError."""
        ...

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        """Look for a message in the provider's own list after a crash; raises SendError if it cannot tell."""
        ...


@dataclass(frozen=True, slots=True)
class Tap:
    """A tapped choice that the platform waits to see confirmed."""

    address: str
    provider_id: ProviderId
    in_reply_to: ProviderId | None
    #: The message with the choice that was made, in place of its buttons.
    shown: str | None = None


@runtime_checkable
class ShowsTyping(Protocol):
    """An adapter whose platform can show that an answer is being written."""

    async def show_typing(self, provider_id: ProviderId) -> None:
        """Show it under a message that was heard; whatever goes wrong is no error."""
        ...


@runtime_checkable
class LeavesGroups(Protocol):
    """An adapter whose platform has groups."""

    async def leave_group(self, address: str, words: str) -> None:
        """Say why and go; raises SendError."""
        ...


@runtime_checkable
class Acknowledges(Protocol):
    """An adapter whose platform shows a spinner until a tap is confirmed."""

    async def acknowledge(self, tap: Tap) -> None:
        """Confirm a tap and take its choices off the screen; too late or already gone is no error."""
        ...


@runtime_checkable
class Closes(Protocol):
    """An adapter that keeps connections open."""

    async def close(self) -> None:
        """Close them."""
        ...
