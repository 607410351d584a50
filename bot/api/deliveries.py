"""Telling one endpoint of one event: claim (committed), post with no transaction open, record.

At least once: whoever dies between the post and the record lets it be posted again, under the same id. So an
attempt is claimed by its number, and a job that comes twice finds that its attempt has been made.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import httpx
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from bot.api import endpoints, signing
from bot.api.addresses import AddressRefused, Target, resolve
from bot.api.backoff import read_retry_after, wait_after
from bot.api.events import LEASE
from bot.api.models import BookingEvent, WebhookDelivery, WebhookEndpoint
from bot.api.payloads import payload_of
from bot.settings import Settings

#: One attempt takes no longer, name lookup and all.
DEADLINE = timedelta(seconds=15)
_TIMEOUT = httpx.Timeout(10, connect=5)
#: So much of an answer is read: nothing in it is of interest, but a receiver that is cut off calls it an error.
_ANSWER = 16 * 1024
#: One slow receiver holds so many of our hands at most.
AT_ONCE = 4
COME_BACK = timedelta(seconds=3)
#: An endpoint that has failed for so long is given up.
PATIENCE = timedelta(days=3)
_KEPT_TRIES = 10
_GONE = 410

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that is ours to make."""

    business_id: UUID
    delivery_id: UUID
    endpoint_id: UUID
    url: str
    headers: dict[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt."""

    status: int | None = None
    error: str | None = None
    asked: timedelta | None = None
    ms: int = 0

    @property
    def taken(self) -> bool:
        """Whether the receiver said that it has it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Postman:
    """Delivers webhooks in one worker."""

    db: Database
    settings: Settings
    _busy: Counter[UUID] = field(default_factory=Counter)

    async def deliver(self, business_id: UUID, delivery_id: UUID, attempt: int) -> Result | None:
        """Make one attempt; None where there is nothing to do, or not now."""
        with ExitStack() as hands:
            async with self.db.transaction(business_id) as session:
                claim = await self._claim(session, business_id, delivery_id, attempt, hands)
            if claim is None:
                return None
            result = await post(claim, sandbox=self.settings.sandbox)
        async with self.db.transaction(business_id) as session:
            await _record(session, claim, result, now=await current_time(session))
        return result

    async def _claim(
        self, session: AsyncSession, business_id: UUID, delivery_id: UUID, attempt: int, hands: ExitStack
    ) -> Claim | None:
        delivery = await session.get(WebhookDelivery, (business_id, delivery_id), with_for_update=True)
        if delivery is None or delivery.state != "pending" or delivery.attempts + 1 != attempt:
            return None
        now = await current_time(session)
        if self._busy[delivery.endpoint_id] >= AT_ONCE:
            delivery.due_at = now + COME_BACK
            return None
        hands.enter_context(self._hand(delivery.endpoint_id))
        endpoint = await endpoints.load(session, business_id, delivery.endpoint_id)
        if endpoint.state != "active":
            delivery.state, delivery.due_at, delivery.updated_at = "dropped", None, now
            return None
        event = await session.get_one(BookingEvent, (business_id, delivery.event_id))
        delivery.attempts = attempt
        delivery.due_at = now + LEASE
        delivery.updated_at = now
        body = payload_of(event)
        # The receiver compares it with its own clock, which no sandbox moves.
        sent_at: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        secrets = signing.secrets_of(self.settings, endpoint, now=now)
        headers = signing.headers_for(signing.message_id(event.id), body, secrets, sent_at=sent_at)
        return Claim(business_id, delivery.id, endpoint.id, endpoint.url, headers, body, now)

    @contextmanager
    def _hand(self, endpoint_id: UUID) -> Iterator[None]:
        self._busy[endpoint_id] += 1
        try:
            yield
        finally:
            self._busy[endpoint_id] -= 1
            if not self._busy[endpoint_id]:
                del self._busy[endpoint_id]


async def post(claim: Claim, *, sandbox: bool) -> Result:
    """Post one attempt to the receiver; whatever goes wrong there is a result, not an error of ours."""
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def took() -> int:
        return int((loop.time() - begun) * 1000)

    try:
        async with asyncio.timeout(DEADLINE.total_seconds()):
            response = await _post_to_any(await resolve(claim.url, sandbox=sandbox), claim)
    except AddressRefused as refused:
        return Result(error=refused.why, ms=took())
    except TimeoutError:
        return Result(error="timeout", ms=took())
    except httpx.TimeoutException:
        return Result(error="timeout", ms=took())
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError):
        return Result(error="no_connection", ms=took())
    asked = read_retry_after(response.headers.get("retry-after"), now=claim.at)
    error = None if 200 <= response.status_code < 300 else "status"
    return Result(response.status_code, error, asked, took())


async def _post_to_any(targets: list[Target], claim: Claim) -> httpx.Response:
    """Try a name's addresses until one can be connected to."""
    for target in targets[:-1]:
        try:
            return await _post(target, claim)
        except httpx.ConnectError:
            continue
    return await _post(targets[-1], claim)


async def _post(target: Target, claim: Claim) -> httpx.Response:
    headers = {
        **claim.headers,
        "Host": target.host,
        "Content-Type": "application/json",
        "User-Agent": "Threadbook-Webhooks/1",
        "Accept-Encoding": "identity",
    }
    # Every connection is for one name: those of an address that many names share must not be mixed up.
    async with (
        httpx.AsyncClient(
            verify=_tls(),
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        ) as client,
        client.stream(
            "POST", target.url, content=claim.body, headers=headers, extensions={"sni_hostname": target.name}
        ) as response,
    ):
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > _ANSWER:
                break
        return response


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _record(session: AsyncSession, claim: Claim, result: Result, *, now: datetime) -> None:
    if not result.taken:
        await endpoints.lock(session, claim.business_id)  # it may be disabled: everybody locks in this order
    endpoint = await session.get(
        WebhookEndpoint, (claim.business_id, claim.endpoint_id), with_for_update={"key_share": True}
    )
    delivery = await session.get(WebhookDelivery, (claim.business_id, claim.delivery_id), with_for_update=True)
    if endpoint is None or delivery is None:
        return  # deleted meanwhile
    made = {"at": claim.at.isoformat(), "status": result.status, "error": result.error, "ms": result.ms}
    delivery.tries = [*delivery.tries, made][-_KEPT_TRIES:]
    delivery.updated_at = now
    if result.taken:
        delivery.state, delivery.due_at = "delivered", None
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or now
    if delivery.state == "pending":
        wait = wait_after(delivery.attempts, asked=result.asked, chance=_dice.random())
        delivery.state = "failed" if wait is None else "pending"
        delivery.due_at = None if wait is None else now + wait
    if endpoint.state != "active":
        return
    if result.status == _GONE:
        delivery.state, delivery.due_at = "failed", None
        await endpoints.disable(session, endpoint, because="gone", now=now)
    elif now - endpoint.failing_since >= PATIENCE:
        await endpoints.disable(session, endpoint, because="failing", now=now)
