"""What businesses' own credentials come to in this process: adapters, gateways, and what webhooks are verified by.

Every process looks for changes when it needs something and has not looked for a few seconds: one short statement,
however many businesses there are, and none in between. Only rows that changed are opened anew.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import stripe
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.models import Business
from bot.credential_shapes import Provider, addresses_in
from bot.credentials import opened
from bot.models import Credential
from bot.settings import Settings
from bot.vault import Vault, VaultError
from bot.vendors import Vendors, own_vendor
from channels import registry
from channels.contract import Channel
from channels.deliver import SEND_DEADLINE
from channels.lines import Line, Unreadable
from channels.telegram import Telegram
from payment_links.gateway import GatewayError, PaymentGateway
from payment_links.own_gateway import OwnFirst
from payment_links.stripe_gateway import StripeGateway, connections
from payment_links.webhook import OwnTill

log = logging.getLogger(__name__)

#: Seconds that what is known counts as of late, and how soon a refused webhook may have us look again.
OF_LATE, AT_SOONEST = 5.0, 0.5
#: Seconds after which nobody can be sending by an adapter any more that was replaced.
_OUT_OF_USE = SEND_DEADLINE.total_seconds() + 20

_Key = tuple[UUID, str]


@dataclass(slots=True)
class _Kept:
    """A row as it was read; `vendors` is None where it could not be opened."""

    business_id: UUID
    slug: str
    updated_at: datetime
    hints: Mapping[str, str]
    vendors: Vendors | None
    #: Made when they are first needed: one business speaks, most are silent.
    channels: Mapping[str, Channel] | None = field(default=None, repr=False)


class OwnLines:
    """Every business's own lines (`channels.lines.OwnLines`) and gateways; `list_button` as in `registry.build`."""

    def __init__(self, db: Database, settings: Settings, list_button: Callable[[str], str]) -> None:
        self._db = db
        self._settings = settings
        self._list_button = list_button
        self._vault = Vault.of(settings.vault_keys.get_secret_value())
        self._kept: dict[_Key, _Kept] = {}
        #: By channel and address.
        self._places: dict[tuple[str, str], _Kept] = {}
        self._channels: frozenset[str] = frozenset()
        self._slugs: dict[str, UUID] = {}
        self._retired: list[tuple[float, Mapping[str, Channel]]] = []
        self._looked: float | None = None
        self._looking = asyncio.Lock()
        self._stripe: stripe.HTTPXClient | None = None

    async def look(self, *, again: bool = False) -> bool:
        """See to it that what is known is of late; `again`: of this moment, but for half a second. True if changed."""
        if self._is_fresh(again):
            return False
        before = self._kept
        async with self._looking:
            # Somebody else may have looked while we waited: what they saw counts as ours.
            if not self._is_fresh(again):
                await self._read()
                self._looked = time.monotonic()
        await self._close_retired()
        return self._kept is not before

    def _is_fresh(self, again: bool) -> bool:
        return self._looked is not None and time.monotonic() - self._looked < (AT_SOONEST if again else OF_LATE)

    async def _read(self) -> None:
        async with self._db.transaction() as session:
            stamps = await session.execute(select(Credential.business_id, Credential.kind, Credential.updated_at))
            known = {(business_id, kind): at for business_id, kind, at in stamps}
            if known == {key: kept.updated_at for key, kept in self._kept.items()}:
                return
            rows = await session.execute(select(Credential, Business.slug).join(Business))
            found = {(row.business_id, row.kind): (row, slug) for row, slug in rows.tuples()}
        self._take_over({key: self._same(row, slug) or self._opened(row, slug) for key, (row, slug) in found.items()})

    def _same(self, row: Credential, slug: str) -> _Kept | None:
        """Return what is known of a row, adapters and all, if it has not changed."""
        kept = self._kept.get((row.business_id, row.kind))
        return kept if kept is not None and (kept.updated_at, kept.slug) == (row.updated_at, slug) else None

    def _opened(self, row: Credential, slug: str) -> _Kept:
        try:
            vendors = own_vendor(self._settings, Provider(row.kind), opened(self._vault, row))
        except (VaultError, KeyError, ValueError) as error:
            # Whose and which, and what kind of error: nothing of what is in it.
            log.error("credentials for %s of %s cannot be read: %s", row.kind, slug, type(error).__name__)
            vendors = None
        return _Kept(row.business_id, slug, row.updated_at, row.hints, vendors)

    def _take_over(self, fresh: dict[_Key, _Kept]) -> None:
        until = time.monotonic() + _OUT_OF_USE
        for key, kept in self._kept.items():
            if fresh.get(key) is not kept and kept.channels is not None:
                self._retired.append((until, kept.channels))
        self._kept = fresh
        # What is sealed says where; a hint, which anybody could have written, only of what cannot be read.
        unread = [(place, kept) for kept in fresh.values() if kept.vendors is None for place in _hinted(kept)]
        read = [(place, kept) for kept in fresh.values() if kept.vendors is not None for place in _sealed(kept.vendors)]
        self._places = dict(unread) | dict(read)
        self._channels = frozenset(channel for channel, _ in self._places)
        self._slugs = {kept.slug: kept.business_id for kept in fresh.values()}

    async def _close_retired(self) -> None:
        now = time.monotonic()
        due, self._retired = (
            [channels for until, channels in self._retired if until <= now],
            [(until, channels) for until, channels in self._retired if until > now],
        )
        for channels in due:
            await registry.close(channels)

    def at(self, channel: str, account: str) -> Line | None:
        """Return the line of an address that is a business's own; raises Unreadable."""
        kept = self._places.get((channel, account))
        return None if kept is None else self._line(kept, channel)

    def of(self, business_id: UUID, channel: str) -> Line | None:
        """Return a business's own line; raises Unreadable."""
        kept = self._kept.get((business_id, _PROVIDER[channel]))
        return None if kept is None else self._line(kept, channel)

    def on(self, channel: str) -> Sequence[Line]:
        """Return all that can be read on a channel."""
        mine = [kept for (name, _), kept in self._places.items() if name == channel and kept.vendors is not None]
        return [self._line(kept, channel) for kept in mine]

    def any_on(self, channel: str) -> bool:
        """Whether there is one on a channel, readable or not."""
        return channel in self._channels

    def _line(self, kept: _Kept, channel: str) -> Line:
        if kept.vendors is None:
            raise Unreadable
        if kept.channels is None:
            kept.channels = registry.own(
                kept.vendors.twilio,
                kept.vendors.telegram,
                burst_seconds=self._settings.burst_seconds,
                list_button=self._list_button,
            )
        owner = kept.vendors.twilio.account_sid if kept.vendors.twilio is not None else None
        return Line(kept.channels[channel], kept.business_id, owner)

    async def gateway_for(self, business_id: UUID, shared: PaymentGateway | None) -> PaymentGateway | None:
        """Return what asks for a business's money: by its own account, else by the system's.

        Raises GatewayError where its own cannot be read.
        """
        await self.look()
        kept = self._kept.get((business_id, Provider.STRIPE))
        if kept is None:
            return shared
        if kept.vendors is None or kept.vendors.stripe is None:
            raise GatewayError("credentials_unreadable", retryable=True)
        if self._stripe is None:
            self._stripe = connections()
        own = StripeGateway(kept.vendors.stripe, self._stripe)
        return own if shared is None else OwnFirst(own, shared)

    async def till_of(self, slug: str, again: bool = False) -> OwnTill | None:
        """Return what the events of a business's own Stripe account are verified by; None if it has none."""
        await self.look(again=again)
        business_id = self._slugs.get(slug)
        kept = self._kept.get((business_id, Provider.STRIPE)) if business_id is not None else None
        if kept is None:
            return None
        stripe_access = kept.vendors.stripe if kept.vendors is not None else None
        return OwnTill(kept.business_id, stripe_access.webhook_secret if stripe_access is not None else "")

    async def bots(self) -> Sequence[Telegram]:
        """Return the Telegram bots of businesses' own."""
        await self.look()
        return [line.channel for line in self.on("telegram") if isinstance(line.channel, Telegram)]

    async def bot_of(self, business_id: UUID) -> Telegram | None:
        """Return a business's own Telegram bot as it is at this moment; raises Unreadable."""
        await self.look(again=True)
        line = self.of(business_id, "telegram")
        return line.channel if line is not None and isinstance(line.channel, Telegram) else None

    async def close(self) -> None:
        """Close every connection."""
        for channels in [one for _, one in self._retired] + [one.channels or {} for one in self._kept.values()]:
            await registry.close(channels)
        if self._stripe is not None:
            await self._stripe.close_async()  # type: ignore[no-untyped-call]


_PROVIDER = {"sms": Provider.TWILIO, "whatsapp": Provider.TWILIO, "telegram": Provider.TELEGRAM}


def _hinted(kept: _Kept) -> list[tuple[str, str]]:
    return list(addresses_in(kept.hints).items())


def _sealed(vendors: Vendors) -> list[tuple[str, str]]:
    return list(registry.addresses(vendors.twilio, vendors.telegram).items())
