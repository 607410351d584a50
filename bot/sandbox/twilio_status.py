"""How a message to a customer goes on: queued, sent, delivered, read, or failed."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.faults import is_late, plan_in
from bot.sandbox.models import SandboxMessage
from bot.sandbox.owed import TWILIO, owe
from bot.sandbox.stage import Stage
from bot.sandbox.twilio_accounts import seen_by
from bot.sandbox.twilio_objects import status_form

RANK = ("queued", "sending", "sent", "delivered", "read", "undelivered", "failed")
#: Seconds after the request.
SENT_AFTER, DELIVERED_AFTER = 0.05, 0.25


async def owe_status(
    stage: Stage, session: AsyncSession, message: SandboxMessage, status: str, *, after: float, error: int | None = None
) -> None:
    """Owe a status callback; without a callback address the status only becomes true."""
    plan, what = await plan_in(session), f"{message.vendor_id}:{status}"
    late = is_late(plan, what)
    await owe(
        stage,
        session,
        TWILIO,
        message.vendor.get("callback") or "",
        status_form(message, stage.twilio.account_sid, status, error),
        lane=f"status:{what if late else message.vendor_id}",
        after=after + late,
        told={"message": message.vendor_id, "status": status, "error": error},
    )


async def become(session: AsyncSession, told: dict[str, Any]) -> None:
    """Move a message's status forward, never back."""
    message = await session.scalar(
        select(SandboxMessage).where(SandboxMessage.vendor_id == told["message"]).with_for_update()
    )
    if message is None or RANK.index(told["status"]) <= RANK.index(message.vendor["status"]):
        return
    now = (await current_time(session)).isoformat()
    changed = {"status": told["status"], "updated_at": now}
    if told["status"] == "sent":
        changed["sent_at"] = now
    if told["error"] is not None:
        changed["error_code"] = told["error"]
    message.vendor = {**message.vendor, **changed}


async def read_up_to(stage: Stage, session: AsyncSession, channel: str, phone: str, n: int) -> None:
    """The customer sees the messages up to `n`: WhatsApp tells the sender, SMS cannot."""
    if channel != "whatsapp":
        return
    seen = await session.scalars(
        select(SandboxMessage)
        .where(
            SandboxMessage.channel == channel,
            SandboxMessage.phone == phone,
            SandboxMessage.direction == "out",
            SandboxMessage.n <= n,
            SandboxMessage.vendor["read"].is_(None),
            SandboxMessage.vendor["error_code"].is_(None),
        )
        .with_for_update()
    )
    for message in seen.all():
        message.vendor = {**message.vendor, "read": True}
        await owe_status(await seen_by(stage, session, message.account), session, message, "read", after=0.0)
