"""Sends what is owed, over real HTTP, to our own doors: at least once, in order in a lane, until 2xx."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.sandbox import stripe_sessions, telegram_hook, twilio_status
from bot.sandbox.faults import comes_twice, plan_in
from bot.sandbox.models import SandboxWebhook
from bot.sandbox.owed import TELEGRAM, TWILIO
from bot.sandbox.signing import signed
from bot.sandbox.stage import Stage, real_time
from bot.sandbox.twilio_accounts import account_of

log = logging.getLogger(__name__)

#: Seconds between looks when nothing rings.
PAUSE = 0.25
#: Seconds that a webhook may take, and after which another process may try it again.
PATIENCE, LEASE = 4.0, 5.0
SHORTEST, LONGEST = 0.2, 5.0
#: After so many tries (some minutes) a webhook is given up.
MOST_TRIES = 100
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Owed:
    """A webhook that this process has claimed."""

    n: int
    vendor: str
    url: str
    content: Any
    tries: int
    secret: str | None


async def run_webhooks(stage: Stage) -> None:
    """Send what is owed and let pages expire, for ever; a database that is away is waited for.

    So many are sent at the same time, and nobody's waits for another's answer but those of its own lane.
    """
    under_way: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    looked_at = 0.0
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        try:
            while True:
                stage.wake.clear()
                try:
                    # The bell rings for each webhook; pages do not run out any faster for it.
                    if loop.time() >= looked_at + PAUSE:
                        async with stage.db.transaction() as session:
                            await stripe_sessions.expire_due(stage, session)
                        looked_at = loop.time()
                    claimed = await claim(stage, AT_ONCE - len(under_way))
                except (DBAPIError, OSError) as error:
                    log.warning("the sandbox's webhooks wait: %s", type(error).__name__)
                    await asyncio.sleep(1)
                    continue
                under_way |= {asyncio.create_task(_sent(stage, http, owed)) for owed in claimed}
                # Not `wait_for`: in Python 3.11 it forgets that it was cancelled when the bell rings at that moment.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await stage.wake.wait()
                for task in [one for one in under_way if one.done()]:
                    under_way.discard(task)
                    task.result()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


async def _sent(stage: Stage, http: httpx.AsyncClient, owed: Owed) -> None:
    """Send one webhook, and ring: there is room for another, and the next of its lane may go."""
    try:
        await deliver(stage, http, owed)
    except (DBAPIError, OSError) as error:
        # It was not recorded: when its lease is over it is told once more.
        log.warning("a webhook of the sandbox is not recorded: %s", type(error).__name__)
    finally:
        stage.wake.set()


async def claim(stage: Stage, most: int = AT_ONCE) -> Sequence[Owed]:
    """Claim what is due and first in its lane, and make true what it tells."""
    if most <= 0:
        return []
    async with stage.db.transaction() as session:
        now = await real_time(session)
        earlier = aliased(SandboxWebhook)
        first = ~exists().where(
            earlier.lane == SandboxWebhook.lane, earlier.n < SandboxWebhook.n, earlier.done_at.is_(None)
        )
        due = await session.scalars(
            select(SandboxWebhook)
            .where(SandboxWebhook.done_at.is_(None), SandboxWebhook.next_try_at <= now, first)
            .order_by(SandboxWebhook.n)
            .limit(most)
            .with_for_update(skip_locked=True, of=SandboxWebhook)
        )
        claimed = []
        for row in due.all():
            row.tries += 1
            row.next_try_at = now + timedelta(seconds=LEASE)
            if row.request["told"]:
                await twilio_status.become(session, row.request["told"])
            if not row.url:
                row.done_at = now
                # The next of its lane may go.
                stage.wake.set()
                continue
            secret = await _secret_of(stage, session, row)
            claimed.append(Owed(row.n, row.vendor, row.url, row.request["content"], row.tries, secret))
        return claimed


async def _secret_of(stage: Stage, session: AsyncSession, row: SandboxWebhook) -> str | None:
    """Return what a webhook is signed with at this moment, where that is not the system's own."""
    if row.vendor == TELEGRAM:
        return await telegram_hook.secret_of(stage, session)
    if row.vendor == TWILIO:
        access = await account_of(stage, session, row.request["content"]["AccountSid"])
        return access.auth_token if access is not None else None
    return None


async def deliver(stage: Stage, http: httpx.AsyncClient, owed: Owed) -> None:
    """Send one webhook and record how it was taken."""
    headers, body = signed(stage, owed.vendor, owed.url, owed.content, owed.secret)
    try:
        answer = await http.post(owed.url, content=body.encode(), headers=headers)
        status = answer.status_code
    except httpx.HTTPError:
        status = 0
    async with stage.db.transaction() as session:
        await _record(session, owed, status)


async def _record(session: AsyncSession, owed: Owed, status: int) -> None:
    row = await session.get(SandboxWebhook, owed.n, with_for_update=True)
    if row is None:
        return
    row.last_status = status
    heard = 200 <= status < 300
    if heard and owed.tries == 1 and comes_twice(await plan_in(session), f"{owed.n}"):
        row.next_try_at = await real_time(session) + timedelta(seconds=SHORTEST)
    elif heard or owed.tries >= MOST_TRIES:
        row.done_at = await real_time(session)
    else:
        log.info("a webhook of the sandbox's %s was answered with %s", owed.vendor, status)
        wait = min(SHORTEST * 2 ** min(owed.tries - 1, 10), LONGEST)
        row.next_try_at = await real_time(session) + timedelta(seconds=wait)
