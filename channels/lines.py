"""Lines: an adapter and whose it is. A business with credentials of its own has lines of its own, by its addresses.

What is sent from an address goes by its line, what comes to it is verified by its line and received as its
business's, and neither ever falls back on the system's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from channels import accounts, conversations
from channels.contract import Channel, SendError
from channels.models import Message


class Unreadable(Exception):
    """An address is a business's own, and its credentials cannot be read: the doctor says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """An adapter, and the business whose it is; None: the system's, for everybody without lines of their own."""

    channel: Channel
    business_id: UUID | None = None
    #: What the provider calls the account, where its webhooks name it.
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a webhook says it is for, before a word of it is believed: only to find by what to verify it."""

    account: str | None
    business_id: UUID | None = None
    owner: str | None = None


class OwnLines(Protocol):
    """The lines of businesses' own, as they are known in this process."""

    async def look(self, *, again: bool = False) -> bool:
        """See to it that what is known is of late; `again`: of this moment. True where something had changed."""
        ...

    def at(self, channel: str, account: str) -> Line | None:
        """Return the line of an address that is a business's own; raises Unreadable."""
        ...

    def of(self, business_id: UUID, channel: str) -> Line | None:
        """Return a business's own line; raises Unreadable."""
        ...

    def on(self, channel: str) -> Sequence[Line]:
        """Return all that can be read on a channel."""
        ...

    def any_on(self, channel: str) -> bool:
        """Whether there is one on a channel, readable or not."""
        ...


def line_for(own: OwnLines, said: Addressed, channel: str) -> Line | None:
    """Return the line to verify a webhook by, if it is a business's own; raises Unreadable.

    Our address decides. Only a report on a message that went out by another number of a business's own account is
    found by the message's key, and by the account.
    """
    line = own.at(channel, said.account) if said.account else None
    if line is None and said.business_id is not None and said.owner is not None:
        line = own.of(said.business_id, channel)
        return line if line is not None and line.owner == said.owner else None
    return line


async def channel_for(
    shared: Mapping[str, Channel], own: OwnLines | None, business_id: UUID, channel: str, account: str | None
) -> Channel | None:
    """Return what sends from an address of a business; raises SendError where its credentials cannot be read."""
    if own is None or account is None:
        return shared.get(channel)
    await own.look()
    try:
        line = own.at(channel, account)
    except Unreadable:
        # Somebody mends the key meanwhile; the system's account is no substitute.
        raise SendError("credentials_unreadable", retryable=True) from None
    if line is None:
        return shared.get(channel)
    if line.business_id != business_id:
        raise SendError("not_ones_own", retryable=False)
    return line.channel


async def account_of(session: AsyncSession, own: OwnLines | None, message: Message) -> str | None:
    """Return the address of ours that a message came to; None where the system's line is the only one anyway."""
    if own is None or not own.any_on(message.channel):
        return None
    conversation = await conversations.load(session, message.business_id, message.conversation_id)
    account = await accounts.load_account(session, message.business_id, conversation.account_id)
    return account.address
