"""Webhooks: who is told, by what secret, what became of each delivery; and the events themselves."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field
from sqlalchemy import select

from booking_core.kit.ids import new_id
from booking_core.refusals import BookingRefused, Reason
from bot.api import endpoints, events, signing
from bot.api.addresses import LONGEST_URL, AddressRefused, check_url
from bot.api.call import Call, changes, creates, reads
from bot.api.events import EventType
from bot.api.fields import MANY, Page, Shape, Shown, Words, for_example
from bot.api.lists import Cursor, Limit, read_page
from bot.api.models import EVENT_NUMBERS, BookingEvent, WebhookDelivery, WebhookEndpoint
from bot.api.payloads import EventOut, show_event
from bot.api.problems import Problem
from bot.api.tokens import Scope

_Reader = Annotated[Call, reads(Scope.WEBHOOKS_MANAGE)]
_Changer = Annotated[Call, changes(Scope.WEBHOOKS_MANAGE)]
_Maker = Annotated[Call, creates(Scope.WEBHOOKS_MANAGE)]


def _subscribable(kinds: list[EventType]) -> list[EventType]:
    if EventType.TEST in kinds:
        raise ValueError("webhook.test goes to the endpoint that asks for it; nobody subscribes to it")
    return kinds


Kinds = Annotated[list[EventType], Field(max_length=MANY), AfterValidator(_subscribable)]
Url = Annotated[str, Field(max_length=LONGEST_URL, examples=["https://example.org/threadbook"])]


class EndpointIn(Shape):
    """An address that is to be told."""

    model_config = for_example(url="https://example.org/threadbook", events=["booking.confirmed", "booking.cancelled"])

    url: Url
    description: Words | None = None
    events: Kinds = Field([], description="What it wants to hear of; empty: everything.")


class EndpointPatch(Shape):
    """What is to be different; what is not named stays."""

    model_config = for_example(state="paused")

    url: Url | None = None
    description: Words | None = None
    events: Kinds | None = None
    state: Literal["active", "paused"] | None = Field(None, description="active also revives one that was disabled.")


class EndpointOut(Shown):
    """An address that is told."""

    id: UUID
    url: str
    description: str | None
    events: list[EventType]
    state: str = Field(description="active, paused (by you) or disabled (by us).")
    disabled_because: str | None = Field(description="gone: it answered 410; failing: for three days.")
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


class SecretOut(Shown):
    """What an endpoint's webhooks are signed with."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    old_secret: str | None = Field(None, description="Signs as well, after a rotation.")
    old_secret_until: datetime | None = None


class DeliveryOut(Shown):
    """One event for one endpoint."""

    id: UUID
    event_id: str
    endpoint_id: UUID
    state: str = Field(description="pending, delivered, failed (given up) or dropped (the endpoint was stopped).")
    attempts: int
    next_attempt_at: datetime | None
    tries: list[dict[str, Any]] = Field(description="The latest attempts: when, status, error, milliseconds.")
    created_at: datetime
    updated_at: datetime


def add_routes(router: APIRouter) -> None:
    """Add endpoints, deliveries and events."""
    _add_endpoints(router)
    _add_secrets(router)
    _add_deliveries(router)

    @router.get("/events", tags=["events"])
    async def list_events(
        call: Annotated[Call, reads(Scope.BOOKINGS_READ)],
        response: Response,
        booking_id: UUID | None = None,
        type_: Annotated[list[EventType] | None, Query(alias="type", max_length=MANY)] = None,
        after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The last sequence you know.")] = 0,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[EventOut]:
        """What has happened in the last 30 days while anybody subscribed, in order of `sequence`: none is ever late."""
        query = select(BookingEvent).where(BookingEvent.business_id == call.business_id, BookingEvent.sequence > after)
        if booking_id is not None:
            query = query.where(BookingEvent.booking_id == booking_id)
        if type_:
            query = query.where(BookingEvent.type.in_([one.value for one in type_]))
        return await read_page(
            call, response, query, order=[BookingEvent.sequence], show=show_event, cursor=cursor, limit=limit
        )


def _add_endpoints(router: APIRouter) -> None:
    @router.get("/webhook-endpoints", tags=["webhooks"])
    async def list_webhook_endpoints(
        call: _Reader, response: Response, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[EndpointOut]:
        """Every address that is told, or was."""
        query = select(WebhookEndpoint).where(WebhookEndpoint.business_id == call.business_id)
        return await read_page(
            call, response, query, order=[WebhookEndpoint.id], show=_show, cursor=cursor, limit=limit
        )

    @router.post("/webhook-endpoints", tags=["webhooks"], status_code=201)
    async def make_webhook_endpoint(call: _Maker, response: Response, wanted: EndpointIn) -> EndpointOut:
        """Have an address told from now on. Its secret is read at `/secret`."""
        _check(call, wanted.url)
        made = await endpoints.add(
            call.session,
            call.business_id,
            url=wanted.url,
            description=wanted.description,
            events=[one.value for one in wanted.events],
            now=call.now,
        )
        response.headers["Location"] = f"/api/v1/webhook-endpoints/{made.id}"
        return _show(made)

    @router.get("/webhook-endpoints/{endpoint_id}", tags=["webhooks"])
    async def read_webhook_endpoint(call: _Reader, endpoint_id: UUID) -> EndpointOut:
        """One address."""
        return _show(await endpoints.load(call.session, call.business_id, endpoint_id))

    @router.patch("/webhook-endpoints/{endpoint_id}", tags=["webhooks"])
    async def change_webhook_endpoint(call: _Changer, endpoint_id: UUID, wanted: EndpointPatch) -> EndpointOut:
        """Change an address, pause it, or have it told again."""
        values = wanted.model_dump(mode="json", exclude_unset=True)
        nothing = {name for name in ("url", "events", "state") if name in values and values[name] is None}
        if nothing:
            raise Problem("invalid", errors=[{"at": f"body/{name}", "msg": "cannot be null"} for name in nothing])
        if "url" in values:
            _check(call, values["url"])
        return _show(await endpoints.change(call.session, call.business_id, endpoint_id, now=call.now, **values))

    @router.delete("/webhook-endpoints/{endpoint_id}", tags=["webhooks"], status_code=204)
    async def delete_webhook_endpoint(call: _Changer, endpoint_id: UUID) -> None:
        """Forget an address, with its deliveries."""
        await endpoints.remove(call.session, call.business_id, endpoint_id)


def _add_secrets(router: APIRouter) -> None:
    @router.get("/webhook-endpoints/{endpoint_id}/secret", tags=["webhooks"])
    async def read_webhook_secret(call: _Reader, endpoint_id: UUID) -> SecretOut:
        """What this endpoint's webhooks are signed with (Standard Webhooks, v1)."""
        return _secrets(call, await endpoints.load(call.session, call.business_id, endpoint_id))

    @router.post("/webhook-endpoints/{endpoint_id}/rotate-secret", tags=["webhooks"], status_code=204)
    async def rotate_webhook_secret(call: _Changer, endpoint_id: UUID) -> None:
        """Make a new secret; the one before signs beside it for 24 hours."""
        await endpoints.rotate(call.session, call.business_id, endpoint_id, now=call.now)

    @router.post("/webhook-endpoints/{endpoint_id}/test", tags=["webhooks"], status_code=202)
    async def send_test_webhook(call: _Changer, endpoint_id: UUID) -> DeliveryOut:
        """Send a `webhook.test` to this endpoint."""
        endpoint = await endpoints.load(call.session, call.business_id, endpoint_id, for_update=True)
        if endpoint.state != "active":
            raise BookingRefused(Reason.NOT_NOW, state=endpoint.state, move="test")
        event = BookingEvent(
            business_id=call.business_id,
            id=new_id(),
            sequence=await call.session.scalar(EVENT_NUMBERS),
            booking_id=None,
            move="test",
            type=EventType.TEST.value,
            version=0,
            at=call.now,
            actor=call.actor,
            booking={},
        )
        call.session.add(event)
        await call.session.flush()
        return _show_delivery(await events.deliver_to(call.session, event, endpoint, now=call.now))


def _add_deliveries(router: APIRouter) -> None:
    @router.get("/webhook-endpoints/{endpoint_id}/deliveries", tags=["webhooks"])
    async def list_webhook_deliveries(
        call: _Reader,
        response: Response,
        endpoint_id: UUID,
        state: Literal["pending", "delivered", "failed", "dropped"] | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[DeliveryOut]:
        """What an endpoint was told, or was to be told, the latest first."""
        await endpoints.load(call.session, call.business_id, endpoint_id)
        query = select(WebhookDelivery).where(
            WebhookDelivery.business_id == call.business_id, WebhookDelivery.endpoint_id == endpoint_id
        )
        if state is not None:
            query = query.where(WebhookDelivery.state == state)
        order = [WebhookDelivery.id]
        return await read_page(
            call, response, query, order=order, show=_show_delivery, cursor=cursor, limit=limit, descending=True
        )

    @router.post("/webhook-deliveries/{delivery_id}/resend", tags=["webhooks"], status_code=202)
    async def resend_webhook(call: _Changer, delivery_id: UUID) -> DeliveryOut:
        """Deliver again, under the same id, whatever has become of it."""
        return _show_delivery(await events.resend(call.session, call.business_id, delivery_id, now=call.now))


def _check(call: Call, url: str) -> None:
    try:
        check_url(url, sandbox=call.system.settings.sandbox)
    except AddressRefused as refused:
        raise Problem("address_refused", data={"why": refused.why}) from None


def _secrets(call: Call, endpoint: WebhookEndpoint) -> SecretOut:
    secrets = signing.secrets_of(call.system.settings, endpoint, now=call.now)
    old = secrets[1] if len(secrets) > 1 else None
    return SecretOut(secret=secrets[0], old_secret=old, old_secret_until=endpoint.old_secret_until if old else None)


def _show(one: WebhookEndpoint) -> EndpointOut:
    return EndpointOut(
        id=one.id,
        url=one.url,
        description=one.description,
        events=[EventType(kind) for kind in one.events],
        state=one.state,
        disabled_because=one.disabled_because,
        failing_since=one.failing_since,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _show_delivery(one: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(
        id=one.id,
        event_id=signing.message_id(one.event_id),
        endpoint_id=one.endpoint_id,
        state=one.state,
        attempts=one.attempts,
        next_attempt_at=one.due_at,
        tries=one.tries,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
