"""Where Telegram sends its updates, and the updates themselves."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxWebhook
from bot.sandbox.owed import TELEGRAM, owe
from bot.sandbox.stage import Stage, find, next_number, put

_HOOK = "telegram:webhook"
#: Not an address: the update waits for getUpdates.
POLLED = "getUpdates"
#: Rows that wait for getUpdates are never due (seconds).
NEVER = 10 * 365 * 86_400.0


async def hook(stage: Stage, session: AsyncSession) -> dict[str, Any]:
    """Return how the webhook is set: to our own door until somebody sets another."""
    kept = await find(session, _HOOK)
    if kept is not None:
        return kept.body
    return {"url": f"{stage.settings.base_url}/webhooks/telegram", "secret_token": stage.telegram.secret}


async def set_hook(session: AsyncSession, asked: dict[str, Any]) -> None:
    """Set the webhook; without an address updates wait for getUpdates."""
    await put(session, _HOOK, "telegram_webhook", asked, await current_time(session))


async def secret_of(stage: Stage, session: AsyncSession) -> str | None:
    """Return what goes into the secret header now."""
    secret: str | None = (await hook(stage, session)).get("secret_token")
    return secret


async def owe_update(stage: Stage, session: AsyncSession, chat: int, kind: str, content: dict[str, Any]) -> None:
    """Owe an update; the ids rise, and begin at a number that says nothing."""
    begin = 100_000_000 + int(stage.settings.derived("sandbox telegram update")[:6], 16)
    number = await next_number(session, "telegram:update", begin, await current_time(session))
    where = await hook(stage, session)
    allowed = where.get("allowed_updates")
    if allowed and kind not in allowed:
        return
    update = {"update_id": number, kind: content}
    after = 0.0 if where["url"] else NEVER
    await owe(stage, session, TELEGRAM, where["url"] or POLLED, update, lane=f"telegram:{chat}", after=after)


async def pending(session: AsyncSession) -> int:
    """Return how many updates have not been taken."""
    waiting = select(func.count()).where(SandboxWebhook.vendor == TELEGRAM, SandboxWebhook.done_at.is_(None))
    return (await session.execute(waiting)).scalar_one()
