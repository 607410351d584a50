"""Making a booking: keep a time until it is paid or agreed to, or book it at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import Place, only_place
from booking_core.catalog import Catalog, remembered
from booking_core.changing import give_up
from booking_core.kit.ids import new_id, new_reference, new_secret
from booking_core.kit.live import announce_calendar
from booking_core.kit.rows import attached
from booking_core.kit.statements import array, run, settle
from booking_core.models import Booking, State
from booking_core.placed import parts_json
from booking_core.planning import steps_of
from booking_core.quotes import check_add_ons, quote
from booking_core.records import CUSTOMER, find_by_key
from booking_core.refusals import BookingRefused, Reason
from booking_core.reminders import write_reminders
from booking_core.requests import VisitRequest
from booking_core.rules import policy as policies
from booking_core.rules.wallclock import moment_of
from booking_core.taking import Taken, Wanted, take_place

#: A reference that another booking has already is drawn anew so often.
_DRAWS = 5

# One statement: the time, the booking, its audit. Where somebody has the time already, or takes it meanwhile, nothing
# is written; of several times that are not all to be had, those that were are given back. Keys that are there are not
# stepped on. That the time is a booking's is looked at when the transaction ends.
# An array in a SELECT of its own is as long to the planner whatever is in it: else every hold would be planned anew.
BOOK = """
WITH taken AS (
    INSERT INTO allocation (business_id, id, booking_id, calendar_no, during)
    SELECT %(business_id)s, n.id, %(id)s, n.no,
        tstzrange(to_timestamp(60 * n.starts), to_timestamp(60 * n.ends))
    FROM unnest((SELECT CAST(%(ids)s AS uuid[])), (SELECT CAST(%(numbers)s AS bigint[])),
                (SELECT CAST(%(froms)s AS bigint[])), (SELECT CAST(%(untils)s AS bigint[]))) AS n (id, no, starts, ends)
    ORDER BY n.no
    ON CONFLICT DO NOTHING
    RETURNING 1
), made AS (
    INSERT INTO booking (business_id, id, reference, conversation_id, customer_id, service_id, staff_id, location_id,
        session_id, series_id, series_no, starts, ends, party, arrangement, units, parts, add_ons, attendees, answers,
        state, hold_expires_at, version, price, due, currency, policy_snapshot, idempotency_key, ics_token,
        created_at, updated_at)
    SELECT %(business_id)s, %(id)s, %(reference)s, %(conversation_id)s, %(customer_id)s, %(service_id)s, %(staff_id)s,
        %(location_id)s, %(session_id)s, %(series_id)s, %(series_no)s, %(starts)s, %(ends)s, %(party)s,
        %(arrangement)s, %(units)s, %(parts)s, %(add_ons)s, %(attendees)s, %(answers)s, %(state)s,
        %(hold_expires_at)s, 1, %(price)s, %(due)s, %(currency)s, %(policy_snapshot)s, %(idempotency_key)s,
        %(ics_token)s, %(now)s, %(now)s
    WHERE (SELECT count(*) FROM taken) = %(claims)s
    ON CONFLICT DO NOTHING
    RETURNING 1
), written AS (
    INSERT INTO booking_audit (business_id, id, booking_id, at, actor, move, version, data, told)
    SELECT %(business_id)s, %(audit_id)s, %(id)s, %(now)s, %(actor)s, %(move)s, 1, %(data)s, %(told)s FROM made
)
SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM made)
"""
_UNDO = "DELETE FROM allocation WHERE business_id = %(business_id)s AND booking_id = %(id)s RETURNING id"


@dataclass(frozen=True, slots=True)
class Making:
    """Everything about a booking that is to be made but where and when exactly."""

    catalog: Catalog
    request: VisitRequest
    customer_id: UUID
    conversation_id: UUID | None
    key: str
    actor: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    attendees: Sequence[str] = ()
    #: It is an offer: held until then, whatever is due.
    offer_until: datetime | None = None
    series_id: UUID | None = None
    series_no: int | None = None
    #: The customer asked for just this person.
    asked_for: bool = False
    #: A person at the business passed over hours, notice or limits.
    override: bool = False
    #: A program asks for a customer: what must be agreed to first is a request.
    on_request: bool = False


async def hold(
    session: AsyncSession,
    *,
    catalog: Catalog,
    wanted: VisitRequest,
    starts: datetime,
    customer_id: UUID,
    conversation_id: UUID | None,
    key: str,
    now: datetime,
    actor: str = CUSTOMER,
    answers: Mapping[str, Any] | None = None,
    attendees: Sequence[str] = (),
    override: bool = False,
    offer_until: datetime | None = None,
    series_id: UUID | None = None,
    series_no: int | None = None,
    asked_for: bool = False,
    on_request: bool = False,
    bounded: bool = True,
    yields: bool = True,
) -> Booking:
    """Keep a time for a customer until it is paid or agreed to, or book it at once if nothing stands against it.

    The same `key` again returns the same booking. Holds of the same customer that lie in the way are given
    up. `override`: a person at the business decides, so neither hours nor notice nor limits count; that
    somebody else has the time always does. `asked_for`: the customer wants just this person, not merely
    the time; it is remembered for the day on which the person is away. `on_request`: whoever books does so for a
    customer, and what a person must agree to first is asked for, as if the customer did. Not `bounded`: neither
    notice nor booking window count. Without `yields` the customer's own holds stand in the way like anybody's.
    Raises BookingRefused.
    """
    making = Making(
        catalog, wanted, customer_id, conversation_id, key, actor, answers or {}, attendees, offer_until,
        series_id, series_no, asked_for, override, on_request,
    )  # fmt: skip
    check_add_ons(catalog, wanted)
    starts = starts.astimezone(UTC)
    made: list[Booking] = []

    async def write(place: Place) -> bool:
        booking = await _insert(session, making, place, now=now)
        if booking is not None:
            made.append(booking)
        return booking is not None

    bounded = bounded and offer_until is None
    try:
        # Where there is nothing to choose nobody has to look first: the constraint answers.
        only = None if override else only_place(catalog, wanted, starts, now=now, bounded=bounded)
        if only is not None and await write(only):
            taken = Taken(only)
        else:
            taken = await take_place(
                session,
                Wanted(
                    catalog,
                    wanted,
                    starts,
                    customer_id=customer_id if yields else None,
                    override=override,
                    bounded=bounded,
                ),
                now=now,
                write=write,
            )
    except _KnownError as error:
        return _the_same(error.booking, making)
    except _GoneError as gone:
        raise BookingRefused(Reason.UNKNOWN, customer=str(customer_id)) from gone
    except BookingRefused:
        # The same command a second time finds its own booking in the way.
        known = await find_by_key(session, catalog.business.id, key)
        if known is None:
            raise
        return _the_same(known, making)
    booking = made[-1]
    announce_calendar(session, booking.business_id, booking.id)
    if booking.state == State.CONFIRMED:
        write_reminders(session, booking, now=now)
    await give_up(session, booking, taken, now=now, actor=actor)
    await settle(session)
    return booking


class _GoneError(Exception):
    """Who wanted it has been made one with another customer since they were looked up; the transaction is over."""


class _KnownError(Exception):
    """The command has been carried out before."""

    def __init__(self, booking: Booking) -> None:
        super().__init__()
        self.booking = booking


def _the_same(known: Booking, making: Making) -> Booking:
    """Return a booking that a key has made before; refuses where the key is sent with another wish."""
    if (known.service_id, known.customer_id) != (making.request.service_id, making.customer_id):
        raise BookingRefused(Reason.KEY_REUSED)
    return known


async def _insert(session: AsyncSession, making: Making, place: Place, *, now: datetime) -> Booking | None:
    """Write a booking with its time; None if the time is somebody else's, _KnownError if the key is."""
    claims = len(place.placement.claims)
    for _ in range(_DRAWS):
        values = _values(making, place, now)
        try:
            [(taken, made)] = await run(session, BOOK, _row(making, place, values, now))
        except DBAPIError as error:
            if isinstance(error.orig, ForeignKeyViolation):
                raise _GoneError from error
            raise
        if made:
            return attached(session, Booking, values)
        if taken:
            await run(session, _UNDO, {"business_id": values["business_id"], "id": values["id"]})
        if taken < claims:
            return None
        known = await find_by_key(session, making.catalog.business.id, making.key)
        if known is not None:
            raise _KnownError(known)
    raise BookingRefused(Reason.CHANGED)


@remembered
def _snapshot(catalog: Catalog) -> Mapping[str, Any]:
    return policies.snapshot(catalog.policy)


@remembered
def _snapshot_text(catalog: Catalog) -> str:
    return json.dumps(_snapshot(catalog))


def _values(making: Making, place: Place, now: datetime) -> dict[str, Any]:
    catalog, request, placement = making.catalog, making.request, place.placement
    price = quote(catalog, request, placement=placement)
    state, until = _first_state(making, price.due, moment_of(placement.start), now)
    return {
        "business_id": catalog.business.id,
        "id": new_id(),
        "reference": new_reference(),
        "conversation_id": making.conversation_id,
        "customer_id": making.customer_id,
        "service_id": request.service_id,
        "staff_id": placement.staff_id,
        "location_id": placement.location_id,
        "session_id": place.session_id,
        "series_id": making.series_id,
        "series_no": making.series_no,
        "starts": moment_of(placement.start),
        "ends": moment_of(placement.end),
        "party": request.party,
        "arrangement": request.arrangement.value,
        "units": request.units,
        "parts": parts_json(placement),
        "add_ons": [str(one) for one in request.add_on_ids],
        "attendees": list(making.attendees),
        "answers": dict(making.answers),
        "state": state.value,
        "hold_expires_at": until,
        "version": 1,
        "price": price.total,
        "due": price.due,
        "currency": catalog.currency(placement.location_id),
        "policy_snapshot": dict(_snapshot(catalog)),
        "idempotency_key": making.key,
        "ics_token": new_secret(),
        "attendance_confirmed_at": None,
        "created_at": now,
        "updated_at": now,
    }


def _first_state(making: Making, due: int, starts: datetime, now: datetime) -> tuple[State, datetime | None]:
    policy = making.catalog.policy
    if making.offer_until is not None:
        return State.HELD, making.offer_until
    by_customer = making.actor == CUSTOMER or making.on_request
    if by_customer and any(step.service.approval for step in steps_of(making.catalog, making.request)):
        return State.PENDING_APPROVAL, min(now + timedelta(hours=policy.approval_hours), max(starts, now))
    if due:
        return State.HELD, now + timedelta(minutes=policy.hold_minutes)
    return State.CONFIRMED, None


def _text(value: list[Any] | dict[str, Any]) -> str:
    """Return JSON as text; most of it is empty."""
    return json.dumps(value) if value else "[]" if isinstance(value, list) else "{}"


_MOVE_OF = {State.HELD: "hold", State.PENDING_APPROVAL: "request", State.CONFIRMED: "book"}


def _row(making: Making, place: Place, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    jsons = {name: _text(values[name]) for name in ("parts", "add_ons", "attendees", "answers")}
    said = {name: True for name in ("asked_for", "override") if getattr(making, name)}
    given_up = [str(one.booking_id) for one in place.yielding if not one.lapsed]
    claims = place.placement.claims
    return {
        **values,
        **jsons,
        "policy_snapshot": _snapshot_text(making.catalog),
        "ids": array(new_id() for _ in claims),
        "numbers": array(number for number, _, _ in claims),
        "froms": array(start for _, start, _ in claims),
        "untils": array(end for _, _, end in claims),
        "claims": len(claims),
        "now": now,
        "audit_id": new_id(),
        "actor": making.actor,
        "move": _MOVE_OF[State(values["state"])],
        "data": json.dumps({"given_up": given_up, **said}),
        # Who subscribes gives the catalog another version.
        "told": making.catalog.business.has_subscribers,
    }
