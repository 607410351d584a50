"""Customers: who books. Their addresses live with their threads and are not told."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from booking_core import customers
from booking_core.models import Customer
from bot import merging
from bot.api.call import Call, changes, creates, reads
from bot.api.fields import SOMEBODY, Language, LongWords, Page, Shape, Shown, Words, for_example
from bot.api.lists import Cursor, Limit, read_page
from bot.api.tokens import Scope

_Changer = Annotated[Call, changes(Scope.CUSTOMERS_WRITE)]


class CustomerIn(Shape):
    """Somebody new."""

    name: Words = Field(examples=["Maria Ruiz"])
    locale: Language | None = None


class CustomerChange(Shape):
    """What is to be otherwise; what is not named stays."""

    model_config = for_example(name="Maria Ruiz")

    name: Words | None = None
    locale: Language | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.name is None and self.locale is None:
            raise ValueError("name what is to be changed")
        return self


class MergeIn(Shape):
    """Who is the same person, and how that is known."""

    model_config = for_example(other_id=SOMEBODY, evidence="She said so at the desk and showed both phones.")

    other_id: UUID = Field(description="Whoever is gone afterwards: all of theirs is this customer's.")
    evidence: LongWords = Field(
        description="Why a person at the business is sure. We guess nothing and keep it with the merger."
    )


class CustomerOut(Shown):
    """Somebody who books."""

    id: UUID
    name: str | None
    locale: str | None
    created_at: datetime


class MergedOut(Shown):
    """Two customers that are one now."""

    customer: CustomerOut
    bookings: int = Field(description="So many bookings came with the other.")
    threads: int = Field(description="And so many threads.")


def add_routes(router: APIRouter) -> None:
    """Add customers."""

    @router.post("/customers", tags=["customers"], status_code=201)
    async def make_customer(
        call: Annotated[Call, creates(Scope.CUSTOMERS_WRITE)], response: Response, wanted: CustomerIn
    ) -> CustomerOut:
        """Write down somebody new."""
        made = await customers.load_or_create(
            call.session, call.business_id, None, name=wanted.name, locale=wanted.locale, now=call.now
        )
        response.headers["Location"] = f"/api/v1/customers/{made.id}"
        return _show(made)

    @router.get("/customers", tags=["customers"])
    async def list_customers(
        call: Annotated[Call, reads(Scope.CUSTOMERS_READ)],
        response: Response,
        name: Annotated[Words | None, Query(description="A part of the name, in either case.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[CustomerOut]:
        """Everybody, or whoever is called so, in the order in which they came."""
        query = select(Customer).where(Customer.business_id == call.business_id)
        if name is not None:
            query = query.where(Customer.name.icontains(name, autoescape=True))
        return await read_page(call, response, query, order=[Customer.id], show=_show, cursor=cursor, limit=limit)

    @router.get("/customers/{customer_id}", tags=["customers"])
    async def read_customer(call: Annotated[Call, reads(Scope.CUSTOMERS_READ)], customer_id: UUID) -> CustomerOut:
        """One customer."""
        return _show(await customers.load(call.session, call.business_id, customer_id))

    @router.patch("/customers/{customer_id}", tags=["customers"])
    async def change_customer(call: _Changer, customer_id: UUID, wanted: CustomerChange) -> CustomerOut:
        """Change a customer's name or language."""
        values = wanted.model_dump(exclude_none=True)
        changed = await customers.change(
            call.session, call.business_id, customer_id, now=call.now, actor=call.actor, **values
        )
        return _show(changed)

    @router.post("/customers/{customer_id}/merge", tags=["customers"])
    async def merge_customers(call: _Changer, customer_id: UUID, wanted: MergeIn) -> MergedOut:
        """Make two customers one: bookings, series, waiting, threads and addresses of the other become this one's.

        It cannot be undone: `other_id` is unknown from then on.
        """
        done = await merging.merge_customers(
            call.session,
            call.business_id,
            customer_id,
            wanted.other_id,
            now=call.now,
            actor=call.actor,
            evidence=wanted.evidence,
        )
        return MergedOut(customer=_show(done.customer), bookings=done.bookings, threads=done.threads)


def _show(one: Customer) -> CustomerOut:
    return CustomerOut(id=one.id, name=one.name, locale=one.locale, created_at=one.created_at)
