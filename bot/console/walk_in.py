"""A booking made by staff: for somebody who stands there or is on the phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, QueryParams

from booking_core import booking as bookings
from booking_core.catalog import Catalog
from booking_core.customers import load_or_create
from booking_core.models import Booking, Customer, Location, State
from booking_core.records import find_by_key
from booking_core.requests import VisitRequest, as_pairs
from bot import news
from bot.console.access import Visitor, actor_of
from bot.console.asked import read_date, read_id
from bot.console.desk import Desk
from bot.console.threads import pattern
from bot.console.wall import moment_on, read_clock
from bot.news import News
from channels import conversations
from channels.models import Conversation

#: So many customers are shown for what was typed.
MOST_FOUND = 8
LONGEST_NAME = 100
_MOST_SERVICES = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form says so far; what makes no sense is as if it were not said."""

    place: Location
    services: tuple[UUID, ...]
    staff_id: UUID | None
    day: date
    minute: int | None
    customer_id: UUID | None
    name: str
    party: int
    units: int
    #: It is paid at the desk: nothing is asked for before.
    at_desk: bool
    tell: bool
    #: Who should do just one of the services, or one part of a package.
    whose: tuple[tuple[UUID, UUID], ...] = ()

    @property
    def starts(self) -> datetime | None:
        """When it begins, if that is said."""
        return None if self.minute is None else moment_on(self.day, self.minute, self.place.timezone)

    @property
    def missing(self) -> str | None:
        """Return the first thing that is not said yet."""
        if not self.services:
            return "services"
        if self.minute is None:
            return "time"
        return None if self.customer_id is not None or self.name else "customer"

    @property
    def request(self) -> VisitRequest:
        """What is wanted, as the core says it."""
        return VisitRequest(
            service_ids=self.services,
            staff_id=self.staff_id,
            staff_by_service=self.whose,
            location_id=self.place.id,
            party=self.party,
            units=self.units,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A customer to choose."""

    id: UUID
    name: str | None
    channel: str | None
    last_visit: datetime | None


def read_draft(said: FormData | QueryParams, catalog: Catalog, place: Location, *, today: date, sent: bool) -> Draft:
    """Read a form, or an address with which it is opened."""
    sold = {one.id for one in catalog.services}
    staff = {one.id for one in catalog.staff}
    asked = [read_id(str(one)) for one in said.getlist("service")]
    services = tuple(dict.fromkeys(one for one in asked if one in sold))[:_MOST_SERVICES]
    staff_id = read_id(str(said.get("staff", "")))
    return Draft(
        place=place,
        services=services,
        staff_id=staff_id if staff_id in staff else None,
        day=read_date(str(said.get("day", ""))) or today,
        minute=read_clock(str(said.get("time", ""))),
        customer_id=read_id(str(said.get("customer", ""))),
        name=" ".join(str(said.get("name", "")).replace("\x00", "").split())[:LONGEST_NAME],
        party=_number(str(said.get("party", ""))),
        units=_number(str(said.get("units", ""))),
        at_desk=not sent or bool(said.get("at_desk")),
        tell=not sent or bool(said.get("tell")),
        whose=_whose(said, catalog, services),
    )


def parts_of(catalog: Catalog, service_id: UUID) -> list[UUID]:
    """Return what a service is done in: its parts, or it itself."""
    return [one.part_id for one in catalog.segments(service_id)] or [service_id]


def _whose(said: FormData | QueryParams, catalog: Catalog, services: Sequence[UUID]) -> tuple[tuple[UUID, UUID], ...]:
    """Read pairs of a service and a person, as far as they belong to the visit."""
    steps = {part for one in services for part in parts_of(catalog, one)}
    pairs = (str(one).partition(" ") for one in said.getlist("who"))
    named = [(read_id(service), read_id(who)) for service, _, who in pairs]
    staff = {one.id for one in catalog.staff}
    return as_pairs((one, who) for one, who in named if one in steps and who in staff)


async def book(
    session: AsyncSession,
    desk: Desk,
    visitor: Visitor,
    draft: Draft,
    *,
    catalog: Catalog,
    key: str,
    anyway: bool,
    now: datetime,
) -> Booking:
    """Book what the form says; raises BookingRefused, and LookupError for a customer of nobody here."""
    starts = draft.starts
    if starts is None:
        raise ValueError("a booking begins at some time")
    known = await find_by_key(session, visitor.business_id, key)
    if known is not None:
        return known
    customer, conversation = await _customer(session, visitor, draft, now=now)
    booking = await bookings.hold(
        session,
        catalog=catalog,
        wanted=draft.request,
        starts=starts,
        customer_id=customer.id,
        conversation_id=conversation.id if conversation else None,
        key=key,
        now=now,
        actor=actor_of(visitor),
        override=anyway,
    )
    if booking.state == State.HELD and draft.at_desk:
        booking = await bookings.confirm(session, visitor.business_id, booking.id, now=now, actor=actor_of(visitor))
    elif booking.state == State.HELD:
        await news.ask_to_pay(desk, session, booking, now=now)
    if booking.state == State.CONFIRMED and draft.tell:
        await news.tell(desk, session, booking, News.BOOKED, now=now, by=visitor.user_id)
    return booking


async def find_customers(session: AsyncSession, business_id: UUID, text: str) -> Sequence[Known]:
    """Return customers whose name has this in it, those who came last first."""
    if not text:
        return []
    channel = (
        select(Conversation.channel)
        .where(Conversation.business_id == Customer.business_id, Conversation.customer_id == Customer.id)
        .order_by(Conversation.last_message_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    last: Any = (
        select(func.max(Booking.starts))
        .where(Booking.business_id == Customer.business_id, Booking.customer_id == Customer.id)
        .scalar_subquery()
    )
    found = await session.execute(
        select(Customer.id, Customer.name, channel, last)
        .where(Customer.business_id == business_id, Customer.name.ilike(pattern(text), escape="\\"))
        .order_by(last.desc().nulls_last(), Customer.id)
        .limit(MOST_FOUND)
    )
    return [Known(*row) for row in found.tuples()]


async def _customer(
    session: AsyncSession, visitor: Visitor, draft: Draft, *, now: datetime
) -> tuple[Customer, Conversation | None]:
    if draft.customer_id is None:
        made = await load_or_create(session, visitor.business_id, None, name=draft.name, locale=None, now=now)
        return made, None
    customer = await session.get(Customer, (visitor.business_id, draft.customer_id))
    if customer is None:
        raise LookupError("no such customer")
    threads = await conversations.find_for_customer(session, visitor.business_id, customer.id)
    return customer, next(iter(threads), None)


def _number(text: str) -> int:
    return min(int(text), 500) if text.isascii() and text.isdigit() and 0 < len(text) < 5 and int(text) else 1
