"""The opt-out words of SMS, which Twilio answers itself (https://help.twilio.com/articles/223134027)."""

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage, find, hex_id, put

STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START = frozenset({"start", "yes", "unstop"})
HELP = frozenset({"help", "info"})
ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number."
    " Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help."
    " Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


async def opted_out(stage: Stage, session: AsyncSession, phone: str) -> bool:
    """Whether a number has opted out of the texts of the account's number."""
    kept = await find(session, _key(stage, phone))
    return kept is not None and bool(kept.body["out"])


def _key(stage: Stage, phone: str) -> str:
    return f"opt-out:{stage.twilio.sms_number}:{phone}"


async def opt_out_type(stage: Stage, session: AsyncSession, phone: str, text: str) -> str | None:
    """Return what a text means to Twilio, as `OptOutType` names it; START only from who had opted out."""
    word = text.strip().lower()
    if word in STOP:
        return "STOP"
    if word in START:
        return "START" if await opted_out(stage, session, phone) else None
    return "HELP" if word in HELP else None


async def answer_opt_out(stage: Stage, session: AsyncSession, phone: str, kind: str) -> None:
    """Record the customer's wish and answer in Twilio's own words."""
    now = await current_time(session)
    if kind != "HELP":
        await put(session, _key(stage, phone), "opt_out", {"out": kind == "STOP"}, now)
    ours = stage.twilio.sms_number
    session.add(
        SandboxMessage(
            channel="sms",
            phone=phone,
            account=ours,
            direction="out",
            vendor_id=hex_id("SM"),
            text=ANSWERS[kind],
            choices=[],
            vendor={"status": "delivered", "from": ours, "to": phone, "by": "twilio", "sent_at": now.isoformat()},
            at=now,
        )
    )
    await session.flush()
