"""Customers: who books. Their addresses live with their threads and are not told."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from booking_core.customers import load_or_create
from booking_core.models import Customer
from booking_core.refusals import BookingRefused, Reason
from bot.api.call import Call, creates, reads
from bot.api.fields import Language, Page, Shape, Shown, Words
from bot.api.lists import Cursor, Limit, read_page
from bot.api.tokens import Scope


class CustomerIn(Shape):
    """Somebody new."""

    name: Words = Field(examples=["Maria Ruiz"])
    locale: Language | None = None


class CustomerOut(Shown):
    """Somebody who books."""

    id: UUID
    name: str | None
    locale: str | None
    created_at: datetime


def add_routes(router: APIRouter) -> None:
    """Add customers."""

    @router.post("/customers", tags=["customers"], status_code=201)
    async def make_customer(
        call: Annotated[Call, creates(Scope.CUSTOMERS_WRITE)], response: Response, wanted: CustomerIn
    ) -> CustomerOut:
        """Write down somebody new."""
        made = await load_or_create(
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
        found = await call.session.get(Customer, (call.business_id, customer_id))
        if found is None:
            raise BookingRefused(Reason.UNKNOWN, customer=str(customer_id))
        return _show(found)


def _show(one: Customer) -> CustomerOut:
    return CustomerOut(id=one.id, name=one.name, locale=one.locale, created_at=one.created_at)
