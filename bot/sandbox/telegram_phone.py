"""A customer writes, taps or blocks the bot on a Telegram phone: Telegram calls our webhook."""

import secrets
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage, put
from bot.sandbox.telegram_hook import owe_update
from bot.sandbox.telegram_methods import is_blocked
from bot.sandbox.telegram_objects import bot_user, message_object, person, private_chat, put_on_phone


async def say(
    stage: Stage, session: AsyncSession, phone: str, text: str, name: str, locale: str | None
) -> SandboxMessage:
    """Send words from a phone; who writes has not blocked the bot any more."""
    user = person(phone, name, locale)
    await block(stage, session, phone, user, blocked=False)
    message = SandboxMessage(
        channel="telegram",
        phone=phone,
        account=stage.telegram.bot_id,
        direction="in",
        vendor_id="",
        text=text,
        choices=[],
        vendor={"user": user},
        at=await current_time(session),
    )
    await put_on_phone(session, message)
    await owe_update(stage, session, user["id"], "message", message_object(stage, message))
    return message


async def send_file(
    stage: Stage, session: AsyncSession, phone: str, file: str, kind: str, caption: str
) -> SandboxMessage:
    """Send a picture, a voice note or another file from a phone."""
    size = {"file_id": file, "file_unique_id": file[-15:]}
    part: dict[str, Any] = {"document": {**size, "mime_type": kind}}
    if kind.startswith("image/"):
        part = {"photo": [{**size, "width": 90, "height": 90}]}
    elif kind.startswith("audio/"):
        part = {"voice": {**size, "duration": 2, "mime_type": kind}}
    message = SandboxMessage(
        channel="telegram",
        phone=phone,
        account=stage.telegram.bot_id,
        direction="in",
        vendor_id="",
        text=caption,
        choices=[],
        vendor={"user": person(phone, "Sam", None)},
        at=await current_time(session),
    )
    await put_on_phone(session, message)
    shown = {key: value for key, value in message_object(stage, message).items() if key not in ("text", "entities")}
    shown |= part | ({"caption": caption} if caption else {})
    await owe_update(stage, session, int(phone), "message", shown)
    return message


async def tap(stage: Stage, session: AsyncSession, message: SandboxMessage, choice: dict[str, Any]) -> None:
    """Tap a button under a message: nothing is written on the phone, the bot is told."""
    user = message.vendor["user"]
    query = str(secrets.randbelow(9 * 10**17) + 10**17)
    body = {"chat": user["id"], "message": message.vendor_id, "answered": False}
    await put(session, f"tap:{query}", "callback_query", body, await current_time(session))
    await owe_update(
        stage,
        session,
        user["id"],
        "callback_query",
        {
            "id": query,
            "from": user,
            "message": message_object(stage, message),
            "chat_instance": str(user["id"] * 31),
            "data": choice["id"],
        },
    )


async def add_to_group(stage: Stage, session: AsyncSession, phone: str, group: int, name: str) -> None:
    """Put the bot into a group; Telegram tells it."""
    user = person(phone, name, None)
    chat = {"id": group, "type": "group", "title": "Neighbours"}
    now = await current_time(session)
    await put(session, f"group:{group}", "group", {"chat": chat, "member": True, "said": []}, now)
    left: dict[str, Any] = {"status": "left", "user": bot_user(stage)}
    member: dict[str, Any] = {"status": "member", "user": bot_user(stage)}
    change = {"chat": chat, "from": user, "date": int(now.timestamp())}
    news = {**change, "old_chat_member": left, "new_chat_member": member}
    await owe_update(stage, session, group, "my_chat_member", news)


async def block(stage: Stage, session: AsyncSession, phone: str, user: dict[str, Any], *, blocked: bool) -> None:
    """Block the bot or let it write again; nothing is told when nothing changes."""
    if await is_blocked(session, phone) == blocked:
        return
    now = await current_time(session)
    await put(session, f"blocked:{phone}", "blocked", {"blocked": blocked}, now)
    member: dict[str, Any] = {"status": "member", "user": bot_user(stage)}
    banned: dict[str, Any] = {"status": "kicked", "user": bot_user(stage), "until_date": 0}
    await owe_update(
        stage,
        session,
        user["id"],
        "my_chat_member",
        {
            "chat": private_chat(user),
            "from": user,
            "date": int(now.timestamp()),
            "old_chat_member": member if blocked else banned,
            "new_chat_member": banned if blocked else member,
        },
    )
