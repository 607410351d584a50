"""What the API shows of a booking, and what it takes for one."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, JsonValue, model_validator

from booking_core.models import Booking, State
from booking_core.requests import Arrangement, VisitRequest, as_pairs
from bot.api.fields import (
    LARGEST,
    MANY,
    SOMEBODY,
    SOMETHING,
    LongWords,
    Moment,
    MoneyOut,
    Shape,
    Shown,
    Words,
    for_example,
)

#: Who should do just one service of a visit, or one part of a package.
StaffByService = Annotated[
    dict[UUID, UUID],
    Field(
        max_length=MANY,
        description="Who should do one of several services, or one part of a package: ids of services, and of people. "
        "It goes before staff_id.",
        examples=[{SOMETHING: SOMEBODY}],
    ),
]
Ids = Annotated[list[UUID], Field(max_length=MANY)]
#: Answers by the questions' keys; what they must be is the service's to say.
Answers = dict[
    Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")],
    bool
    | Annotated[int, Field(ge=-(10**12), le=10**12)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | LongWords
    | None,
]


Notify = Annotated[bool, Field(description="Tell the customer in their thread, if the booking has one.")]

OnRequest = Annotated[
    bool,
    Field(
        description="For a customer who asks: what a person at the business must agree to first is `pending_approval`. "
        "Else the program speaks for the business, and needs nobody's approval."
    ),
]


class WantedIn(Shape):
    """What is wanted, all but when: the same words ask for free times and for a booking."""

    service_ids: list[UUID] = Field(
        min_length=1, max_length=MANY, description="A service, or several in this order.", examples=[[SOMETHING]]
    )
    staff_id: UUID | None = Field(None, description="Who should do it; nobody named: anybody who can.")
    staff_by_service: StaffByService = Field({})
    location_id: UUID | None = None
    party: int = Field(1, ge=1, le=LARGEST, description="How many people come.")
    arrangement: Arrangement = Field(
        Arrangement.TOGETHER, description="Several people at the same time, or one after the other."
    )
    units: int = Field(1, ge=1, le=LARGEST, description="Hours, days or nights, where the service is sold by them.")
    add_on_ids: Ids = Field([], description="Ids of the add-ons of its services.")

    def request(self) -> VisitRequest:
        """Return it as the booking core says it."""
        return VisitRequest(
            service_ids=tuple(self.service_ids),
            staff_id=self.staff_id,
            location_id=self.location_id,
            party=self.party,
            arrangement=self.arrangement,
            units=self.units,
            add_on_ids=tuple(self.add_on_ids),
            staff_by_service=as_pairs(self.staff_by_service),
        )


class BookingIn(WantedIn):
    """A booking to be made."""

    model_config = for_example(service_ids=[SOMETHING], starts="2026-11-23T10:00:00+01:00", customer_id=SOMEBODY)

    starts: Moment
    customer_id: UUID
    answers: Answers = Field({}, max_length=100, description="Answers to the intake questions, by key.")
    attendees: list[Words] = Field([], max_length=200, description="Names of those who come besides the customer.")
    override: bool = Field(
        False,
        description="Staff's word: outside hours, lead time, window and limits. Never over another booking. "
        "Needs the scope schedule:write.",
    )
    on_request: OnRequest = False

    @model_validator(mode="after")
    def _request_or_word(self) -> Self:
        if self.override and self.on_request:
            raise ValueError("override is staff's word, on_request a customer's: not both")
        return self

    @model_validator(mode="after")
    def _as_many_names_as_people(self) -> Self:
        if len(self.attendees) > self.party:
            raise ValueError("attendees names more people than party says")
        return self


class WalkInIn(WantedIn):
    """Somebody who stands at the desk."""

    model_config = for_example(service_ids=[SOMETHING], customer_name="Lola Gil")

    starts: Moment | None = Field(None, description="Now, unless told.")
    customer_id: UUID | None = None
    customer_name: Words | None = Field(None, description="For somebody who is not known yet.")
    answers: Answers = Field({}, max_length=100)

    @model_validator(mode="after")
    def _one_customer(self) -> Self:
        if (self.customer_id is None) == (self.customer_name is None):
            raise ValueError("name either customer_id or customer_name")
        return self


class RescheduleIn(Shape):
    """Where a booking is to go."""

    model_config = for_example(starts="2026-11-23T10:00:00+01:00")

    starts: Moment
    staff_id: UUID | None = Field(None, description="Nobody named: each part stays with its person if they can.")
    staff_by_service: StaffByService = Field({})
    override: bool = Field(False, description="As with a booking; needs the scope schedule:write.")
    notify: Notify = True


class CancelIn(Shape):
    """Who cancels: what is given back depends on it."""

    model_config = for_example(by="customer")

    by: Literal["customer", "business"] = Field("business", description="Whose wish it is.")
    paid: int | None = Field(
        None, ge=0, le=LARGEST, description="Minor units that you took yourself; unless told, what our links took."
    )
    notify: Notify = True


class PartOut(Shown):
    """One part of a visit."""

    service_id: UUID
    staff_ids: list[UUID]
    resources: list[dict[str, Any]]
    person: int = Field(description="Which of those who come together it is for, from 0.")
    starts: datetime
    ends: datetime


class BookingOut(Shown):
    """A booking as it stands."""

    id: UUID
    reference: str = Field(description="What people say over the phone.", examples=["K7QX4M"])
    state: State
    version: int = Field(description="Grows whenever the customer must be told something new.")
    customer_id: UUID
    service_id: UUID
    staff_id: UUID | None = Field(description="Who does it, or its first part; null where nobody is needed.")
    location_id: UUID
    session_id: UUID | None = Field(description="The class that it has seats in.")
    series_id: UUID | None
    starts: datetime
    ends: datetime
    party: int
    arrangement: Arrangement
    units: int
    parts: list[PartOut]
    add_on_ids: list[UUID]
    price: MoneyOut
    due: MoneyOut = Field(description="What must be paid before it is confirmed.")
    hold_expires_at: datetime | None = Field(description="For held and pending_approval: when it lapses.")
    attendance_confirmed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    answers: dict[str, JsonValue] | None = Field(None, description="Only with the scope customers:read.")
    attendees: list[str] | None = Field(None, description="Only with the scope customers:read.")
    calendar_url: str | None = Field(None, description="The booking as a calendar file: a secret of its customer.")


class CancellationOut(Shown):
    """A cancelled booking, and what it means for what was paid."""

    booking: BookingOut
    refund: MoneyOut
    fee: MoneyOut


def show_booking(
    booking: Booking, *, now: datetime | None = None, base_url: str | None = None, private: bool = False
) -> BookingOut:
    """Return a booking as the clock has it; what people said only if `private`."""
    lapsed = now is not None and booking.hold_expires_at is not None and booking.hold_expires_at <= now
    return BookingOut(
        id=booking.id,
        reference=booking.reference,
        state=State.EXPIRED if lapsed else State(booking.state),
        version=booking.version,
        customer_id=booking.customer_id,
        service_id=booking.service_id,
        staff_id=booking.staff_id,
        location_id=booking.location_id,
        session_id=booking.session_id,
        series_id=booking.series_id,
        starts=booking.starts,
        ends=booking.ends,
        party=booking.party,
        arrangement=Arrangement(booking.arrangement),
        units=booking.units,
        parts=[_show_part(part) for part in booking.parts],
        add_on_ids=[UUID(one) for one in booking.add_ons],
        price=MoneyOut(amount=booking.price, currency=booking.currency),
        due=MoneyOut(amount=booking.due, currency=booking.currency),
        hold_expires_at=booking.hold_expires_at,
        attendance_confirmed_at=booking.attendance_confirmed_at,
        created_at=booking.created_at,
        updated_at=booking.updated_at,
        answers=booking.answers if private else None,
        attendees=booking.attendees if private else None,
        calendar_url=None if base_url is None else f"{base_url}/calendar/{booking.ics_token}.ics",
    )


def _show_part(part: dict[str, Any]) -> PartOut:
    return PartOut(
        service_id=part["service"],
        staff_ids=part["staff"],
        resources=[{"resource_id": one["resource"], "unit": one["unit"]} for one in part["resources"]],
        person=part["person"],
        starts=part["starts"],
        ends=part["ends"],
    )
