"""Webhooks that are owed: rows, written in the transaction that causes them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.models import SandboxWebhook
from bot.sandbox.stage import Stage, real_time

TWILIO, TELEGRAM, STRIPE = "twilio", "telegram", "stripe"


async def owe(
    stage: Stage,
    session: AsyncSession,
    vendor: str,
    url: str,
    content: Any,
    *,
    lane: str,
    after: float = 0.0,
    told: dict[str, Any] | None = None,
) -> None:
    """Owe a webhook: `content` is a form, an update or an event; `told` is what becomes true when it goes out.

    Without a url nothing is sent, and only what it tells becomes true.
    """
    session.add(
        SandboxWebhook(
            vendor=vendor,
            lane=lane,
            url=url,
            request={"content": content, "told": told},
            next_try_at=await real_time(session) + timedelta(seconds=after),
        )
    )
    await session.flush()
    # Rung after the commit: earlier there is nothing to see.
    event.listen(session.sync_session, "after_commit", lambda _: stage.wake.set(), once=True)
