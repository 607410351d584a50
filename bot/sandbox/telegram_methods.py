"""The methods of Telegram's Bot API that a booking bot uses."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage, SandboxObject, SandboxWebhook
from bot.sandbox.owed import TELEGRAM
from bot.sandbox.stage import Stage, find, real_time
from bot.sandbox.telegram_hook import NEVER, POLLED, hook, pending, set_hook
from bot.sandbox.telegram_objects import bot_user, choices_of, message_object, put_on_phone
from bot.sandbox.telegram_rules import (
    LONGEST_ANSWER,
    TelegramRefused,
    bad,
    keyboard_of,
    number_or,
    text_of,
    whole_number,
)

Fields = dict[str, Any]
#: How long a tap may wait for its answer.
TAP_LIVES = timedelta(minutes=10)
#: A bot may delete its messages for so long.
DELETABLE = timedelta(hours=48)
#: Bots fetch no more than this (bytes).
LARGEST_FILE = 20 * 1024 * 1024
#: What a bot "does" while it works.
_ACTIONS = frozenset({"typing", "choose_sticker", "find_location"}) | {
    f"{verb}_{what}"
    for verb, whats in (
        ("upload", ("photo", "video", "voice", "document", "video_note")),
        ("record", ("video", "voice", "video_note")),
    )
    for what in whats
}


async def get_me(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Return the bot itself."""
    return bot_user(stage) | {
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def send_message(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Put a message on the customer's phone."""
    if (group := await find(session, f"group:{fields.get('chat_id')}", "group", for_update=True)) is not None:
        return await _send_to_group(stage, session, group, text_of(fields))
    user = await _known_person(session, fields)
    text, keyboard = text_of(fields), keyboard_of(fields)
    message = SandboxMessage(
        channel="telegram",
        phone=str(user["id"]),
        account=stage.telegram.bot_id,
        direction="out",
        vendor_id="",
        text=text,
        choices=choices_of(keyboard),
        vendor={"user": user, "keyboard": keyboard},
        at=await current_time(session),
    )
    await put_on_phone(session, message)
    return message_object(stage, message)


async def edit_message_text(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Change a message of ours; one that stays the same is refused."""
    message = await _ours(session, fields, "edit")
    text, keyboard = text_of(fields), keyboard_of(fields)
    return await _edited(stage, session, message, text, keyboard)


async def edit_message_reply_markup(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Change or take away the buttons under a message of ours."""
    message = await _ours(session, fields, "edit")
    return await _edited(stage, session, message, message.text, keyboard_of(fields))


async def edit_message_caption(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Refuse to change a caption: this stand-in's bots send texts only, which have none."""
    keyboard_of(fields)
    await _ours(session, fields, "edit")
    raise bad("there is no caption in the message to edit")


async def answer_callback_query(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Stop the spinner of a tap; refused when it is too old or was answered."""
    if len(str(fields.get("text") or "")) > LONGEST_ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    query = await find(session, f"tap:{fields.get('callback_query_id')}", "callback_query", for_update=True)
    now = await current_time(session)
    if query is None or query.body["answered"] or now - query.created_at > TAP_LIVES:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    query.body = {**query.body, "answered": True}
    return True


async def delete_message(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Take a message off the phone."""
    message = await _ours(session, fields, "delete")
    if await current_time(session) - message.at > DELETABLE:
        raise bad("message can't be deleted for everyone")
    message.vendor = {**message.vendor, "hidden": True}
    return True


async def send_chat_action(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Show that the bot is at work; this stand-in's phones do not show it."""
    await _known_person(session, fields)
    if fields.get("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    return True


async def set_webhook(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Send updates to an address; unlike Telegram, an address of this machine without TLS is taken."""
    url = str(fields.get("url") or "")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    allowed = fields.get("allowed_updates")
    try:
        allowed = json.loads(allowed) if isinstance(allowed, str) else allowed
    except ValueError:
        raise bad("can't parse allowed_updates JSON object") from None
    await set_hook(
        session,
        {
            "url": url,
            "secret_token": fields.get("secret_token"),
            "allowed_updates": allowed,
            "max_connections": number_or(fields, "max_connections", 40),
        },
    )
    now = await real_time(session)
    waiting = update(SandboxWebhook).where(SandboxWebhook.vendor == TELEGRAM, SandboxWebhook.done_at.is_(None))
    if str(fields.get("drop_pending_updates")).lower() == "true":
        await session.execute(waiting.values(done_at=now))
    # What waits goes where updates go from now on.
    due = now if url else now + timedelta(seconds=NEVER)
    await session.execute(waiting.values(url=url or POLLED, next_try_at=due))
    return True


async def get_file(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Say where a file can be fetched."""
    name = str(fields.get("file_id") or "")
    kept = await find(session, f"file:{name}", "media")
    if kept is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    size = len(kept.body["data"]) * 3 // 4
    if size > LARGEST_FILE:
        raise bad("file is too big")
    return {"file_id": name, "file_unique_id": name[-15:], "file_size": size, "file_path": f"files/{name}"}


async def leave_chat(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Leave a group; there is no leaving a private chat."""
    group = await find(session, f"group:{fields.get('chat_id')}", "group", for_update=True)
    if group is None or not group.body["member"]:
        raise bad("chat not found") if group is None else TelegramRefused(403, "Forbidden: bot is not a member")
    group.body = {**group.body, "member": False}
    return True


async def delete_webhook(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Send no more updates: they wait for getUpdates."""
    return await set_webhook(stage, session, {"drop_pending_updates": fields.get("drop_pending_updates")})


async def get_webhook_info(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Say where updates go."""
    where = await hook(stage, session)
    info = {
        "url": where["url"],
        "has_custom_certificate": False,
        "pending_update_count": await pending(session),
        "max_connections": where.get("max_connections", 40),
    }
    return info | ({"allowed_updates": where["allowed_updates"]} if where.get("allowed_updates") else {})


async def get_updates(stage: Stage, session: AsyncSession, fields: Fields) -> Any:
    """Return the updates that wait, at once; an offset confirms what is before it."""
    if (await hook(stage, session))["url"]:
        raise TelegramRefused(
            409,
            "Conflict: can't use getUpdates method while webhook is active;"
            " use deleteWebhook to delete the webhook first",
        )
    waiting = await session.scalars(
        select(SandboxWebhook)
        .where(SandboxWebhook.url == POLLED, SandboxWebhook.done_at.is_(None))
        .order_by(SandboxWebhook.n)
        .with_for_update()
    )
    offset, found = number_or(fields, "offset", 0), []
    for row in waiting.all():
        if row.request["content"]["update_id"] < offset:
            row.done_at = await real_time(session)
        else:
            found.append(row.request["content"])
    return found[: max(number_or(fields, "limit", 100), 1)]


METHODS: Mapping[str, Callable[[Stage, AsyncSession, Fields], Awaitable[Any]]] = {
    "getme": get_me,
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "editmessagecaption": edit_message_caption,
    "editmessagereplymarkup": edit_message_reply_markup,
    "answercallbackquery": answer_callback_query,
    "deletemessage": delete_message,
    "sendchataction": send_chat_action,
    "leavechat": leave_chat,
    "getfile": get_file,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
    "getupdates": get_updates,
}


async def _send_to_group(stage: Stage, session: AsyncSession, group: SandboxObject, text: str) -> Any:
    if not group.body["member"]:
        raise TelegramRefused(403, "Forbidden: bot is not a member of the group chat")
    group.body = {**group.body, "said": [*group.body["said"], text]}
    return {
        "message_id": len(group.body["said"]),
        "from": bot_user(stage),
        "chat": group.body["chat"],
        "date": int((await current_time(session)).timestamp()),
        "text": text,
    }


async def _known_person(session: AsyncSession, fields: Fields) -> dict[str, Any]:
    """Return who the chat is with: a bot can write only to people who wrote to it."""
    chat = fields.get("chat_id")
    if chat in (None, ""):
        raise bad("chat_id is empty")
    if await is_blocked(session, str(chat)):
        raise TelegramRefused(403, "Forbidden: bot was blocked by the user")
    spoke = await session.scalar(
        select(SandboxMessage.vendor)
        .where(
            SandboxMessage.channel == "telegram",
            SandboxMessage.phone == str(chat),
            SandboxMessage.direction == "in",
        )
        .order_by(SandboxMessage.n.desc())
        .limit(1)
    )
    if spoke is None:
        raise bad("chat not found")
    user: dict[str, Any] = spoke["user"]
    return user


async def is_blocked(session: AsyncSession, chat: str) -> bool:
    """Whether a person has blocked the bot."""
    kept = await find(session, f"blocked:{chat}")
    return kept is not None and bool(kept.body["blocked"])


async def _ours(session: AsyncSession, fields: Fields, verb: str) -> SandboxMessage:
    await _known_person(session, fields)
    number = whole_number(fields, "message_id", "message identifier is not specified")
    there = select(SandboxMessage).where(
        SandboxMessage.channel == "telegram",
        SandboxMessage.vendor_id == str(number),
        SandboxMessage.phone == str(fields["chat_id"]),
    )
    message = await session.scalar(there.with_for_update())
    if message is None or message.vendor.get("hidden"):
        raise bad(f"message to {verb} not found")
    if message.direction == "in":
        raise bad(f"message can't be {verb}ed".replace("eed", "ed"))
    return message


async def _edited(
    stage: Stage, session: AsyncSession, message: SandboxMessage, text: str, keyboard: list[list[dict[str, Any]]]
) -> Any:
    if text == message.text and keyboard == message.vendor["keyboard"]:
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly the same"
            " as a current content and reply markup of the message"
        )
    now: datetime = await current_time(session)
    message.text = text
    message.choices = choices_of(keyboard)
    message.vendor = {**message.vendor, "keyboard": keyboard, "edited": int(now.timestamp())}
    await session.flush()
    return message_object(stage, message)
