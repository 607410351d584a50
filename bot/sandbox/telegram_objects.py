"""Telegram's objects, made from the rows of messages (https://core.telegram.org/bots/api)."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage, find, next_number

#: What the stand-in's bot is called.
BOT_NAME, BOT_USERNAME = "Threadbook", "threadbook_sandbox_bot"


#: One count for all private chats of the bot, as Telegram has it; in its order messages are kept.
COUNT = "telegram:message"


async def put_on_phone(session: AsyncSession, message: SandboxMessage) -> None:
    """Keep a new message under the bot's next number."""
    begin = 0
    if await find(session, f"count:{COUNT}") is None:
        # Messages of an older sandbox were numbered with those of other channels.
        latest = select(func.max(SandboxMessage.n)).where(SandboxMessage.channel == "telegram")
        begin = await session.scalar(latest) or 0
    message.vendor_id = str(await next_number(session, COUNT, begin, message.at))
    session.add(message)
    await session.flush()


def bot_user(stage: Stage) -> dict[str, Any]:
    """Return the bot as a user."""
    return {"id": int(stage.telegram.bot_id), "is_bot": True, "first_name": BOT_NAME, "username": BOT_USERNAME}


def person(phone: str, name: str, locale: str | None) -> dict[str, Any]:
    """Return the customer as a user."""
    first, _, last = name.partition(" ")
    user: dict[str, Any] = {"id": int(phone), "is_bot": False, "first_name": first}
    if last:
        user["last_name"] = last
    if locale:
        user["language_code"] = locale
    return user


def private_chat(user: dict[str, Any]) -> dict[str, Any]:
    """Return the private chat with a person."""
    chat = {"id": user["id"], "type": "private", "first_name": user["first_name"]}
    return chat | ({"last_name": user["last_name"]} if "last_name" in user else {})


def message_object(stage: Stage, message: SandboxMessage) -> dict[str, Any]:
    """Return a message as updates and answers show it."""
    user = message.vendor["user"]
    shown: dict[str, Any] = {
        "message_id": int(message.vendor_id),
        "from": user if message.direction == "in" else bot_user(stage),
        "chat": private_chat(user),
        "date": int(message.at.timestamp()),
        "text": message.text,
    }
    if "edited" in message.vendor:
        shown["edit_date"] = message.vendor["edited"]
    if message.vendor.get("keyboard"):
        shown["reply_markup"] = {"inline_keyboard": message.vendor["keyboard"]}
    if message.direction == "in" and message.text.startswith("/"):
        length = len(message.text.split()[0])
        shown["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    return shown


def choices_of(keyboard: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the buttons that a phone can tap, with the row each stands in."""
    return [
        {"id": button["callback_data"], "label": button["text"], "row": row}
        for row, buttons in enumerate(keyboard)
        for button in buttons
        if "callback_data" in button
    ]
