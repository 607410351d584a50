"""Telegram through python-telegram-bot: private chats with one bot."""

import contextlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import telegram
from fastapi import Request
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from channels.access import TelegramAccess
from channels.contract import (
    AddedToGroup,
    ChannelLeft,
    ChannelReturned,
    Event,
    Ignored,
    IncomingMessage,
    Malformed,
    OutgoingMessage,
    ProviderId,
    SendError,
    Tap,
    Unauthentic,
)
from channels.lines import Addressed
from channels.media import MediaRefused
from channels.telegram_lookup import find_number
from channels.trust import trusted

log = logging.getLogger(__name__)

SECRET = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
TAP = "tap:"
_STARTED = re.compile(r"/start ([A-Za-z0-9_-]{1,64})")
#: A row of buttons holds this many characters before labels are cut on a phone.
ROW_WIDTH = 24
MOST_IN_ROW = 3
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: What reading an update raises where it is not of Telegram's form.
_OF_ANOTHER_FORM = (ValueError, TypeError, KeyError, AttributeError, OSError, OverflowError, RecursionError)
#: What the setting of a webhook must ask for.
MOST_WEBHOOKS_AT_ONCE = 40
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")


class Telegram:
    """One bot. Its ids are `chat:message`."""

    name = "telegram"

    def __init__(self, access: TelegramAccess, *, quiet: timedelta) -> None:
        self.quiet = quiet
        self._access = access
        options: Mapping[str, object] = {"trust_env": access.api_url is None, "verify": trusted()}
        self._request = HTTPXRequest(
            connection_pool_size=32,
            connect_timeout=5.0,
            read_timeout=20.0,
            write_timeout=20.0,
            pool_timeout=5.0,
            httpx_kwargs=dict(options),
        )
        address = (access.api_url or "https://api.telegram.org").rstrip("/")
        self._bot = telegram.Bot(
            access.token,
            base_url=f"{address}/bot",
            base_file_url=f"{address}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    @property
    def bot_id(self) -> str:
        """The bot's own id: our address here."""
        return self._access.bot_id

    async def read(self, request: Request) -> list[Event]:
        """Compare the secret and parse one update."""
        secret = request.headers.get(SECRET, "")
        if not hmac.compare_digest(secret.encode(), self._access.secret.encode()):
            raise Unauthentic
        try:
            data = json.loads(await request.body())
        except _OF_ANOTHER_FORM:
            raise Malformed("not an update") from None
        return self.read_update(data)

    def read_update(self, data: object) -> list[Event]:
        """Parse one update, however it came; raises Malformed."""
        try:
            return [_checked(self._event(telegram.Update.de_json(data, bot=None)))]  # type: ignore[arg-type]
        except _OF_ANOTHER_FORM:
            raise Malformed("not an update") from None

    def _event(self, update: telegram.Update) -> Event:
        if update.callback_query is not None:
            return self._tap(update.callback_query)
        if update.my_chat_member is not None:
            return self._membership(update.my_chat_member)
        if update.edited_message is not None:
            return self._message(update.edited_message, correction=update.update_id)
        if update.message is not None:
            return self._message(update.message)
        return Ignored("an update of another kind")

    def _message(self, message: telegram.Message, *, correction: int | None = None) -> Event:
        if message.chat.type != telegram.Chat.PRIVATE:
            return Ignored("not a private chat")
        if message.from_user is None or message.from_user.is_bot:
            return Ignored("nobody's message")
        own = _message_id(message.chat.id, message.message_id)
        replied = message.reply_to_message
        return IncomingMessage(
            account=self._access.bot_id,
            address=str(message.chat.id),
            # An edit is a message of its own: its update's number tells one edit from the next.
            provider_id=own if correction is None else ProviderId(f"{own}:edit:{correction}"),
            text=message.text or message.caption or "",
            in_reply_to=_message_id(message.chat.id, replied.message_id) if replied else None,
            display_name=message.from_user.full_name,
            locale=message.from_user.language_code,
            attachments=_attachments(message),
            introduces=_introduction(message.text),
            corrects=None if correction is None else own,
        )

    def _tap(self, query: telegram.CallbackQuery) -> Event:
        # The message may be too old to be shown to us; its chat and id still come.
        where = query.message
        if where is None or where.chat.type != telegram.Chat.PRIVATE:
            return Ignored("not a private chat")
        return IncomingMessage(
            account=self._access.bot_id,
            address=str(where.chat.id),
            provider_id=ProviderId(f"{TAP}{query.id}"),
            text=_label_of(where, query.data),
            choice=query.data or None,
            in_reply_to=_message_id(where.chat.id, where.message_id),
            display_name=query.from_user.full_name,
            locale=query.from_user.language_code,
            acknowledge=True,
        )

    def _membership(self, change: telegram.ChatMemberUpdated) -> Event:
        account, address = self._access.bot_id, str(change.chat.id)
        if change.chat.type != telegram.Chat.PRIVATE:
            if change.new_chat_member.status in (telegram.ChatMember.MEMBER, telegram.ChatMember.ADMINISTRATOR):
                return AddedToGroup(account, address, change.from_user.language_code)
            return Ignored("not a private chat")
        if change.new_chat_member.status == telegram.ChatMember.BANNED:  # "kicked": the person blocked the bot
            return ChannelLeft(account, address)
        return ChannelReturned(account, address)

    async def send(self, message: OutgoingMessage) -> ProviderId:
        """Send a text with its choices as buttons under it."""
        try:
            sent = await self._bot.send_message(
                chat_id=message.address, text=message.text, reply_markup=keyboard_for(message)
            )
        except TelegramError as error:
            raise _as_send_error(error) from None  # its text may hold the token
        return _message_id(sent.chat.id, sent.message_id)

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        """Try the ids that it can have, since Telegram lists no messages of a bot; raises SendError in doubt."""
        try:
            number = await find_number(self._bot, message)
        except TelegramError as error:
            failed = _as_send_error(error)
            raise SendError(
                failed.code, retryable=failed.retryable, retry_after=failed.retry_after, unsure=True
            ) from None
        return None if number is None else _message_id(int(message.address), number)

    async def acknowledge(self, tap: Tap) -> None:
        """Stop the spinner on a tapped button and take the buttons away, so that they are tapped once."""
        try:
            await self._bot.answer_callback_query(tap.provider_id.removeprefix(TAP))
        except TelegramError as error:
            # "query is too old": the spinner has stopped by itself.
            log.info("tap not acknowledged: %s", type(error).__name__)
        if tap.in_reply_to is None:
            return
        chat, _, number = tap.in_reply_to.partition(":")
        try:
            if tap.shown is not None:
                await self._bot.edit_message_text(tap.shown, chat_id=chat, message_id=int(number), reply_markup=None)
            else:
                await self._bot.edit_message_reply_markup(chat_id=chat, message_id=int(number), reply_markup=None)
        except (TelegramError, ValueError) as error:
            # "message is not modified": gone already. Whatever stays tappable is judged by its token.
            log.info("buttons not taken away: %s", type(error).__name__)

    async def fetch_media(self, fact: Mapping[str, Any], *, most: int) -> bytes:
        """Fetch a file by its id; raises MediaRefused or SendError."""
        try:
            file = await self._bot.get_file(str(fact.get("file_id") or ""))
            if (file.file_size or 0) > most:
                raise MediaRefused("size")
            return bytes(await file.download_as_bytearray())
        except BadRequest as error:  # too big for bots, or gone
            raise MediaRefused("size" if "too big" in error.message.lower() else "gone") from None
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def leave_group(self, address: str, words: str) -> None:
        """Say in a group that we only speak in private, and leave it; raises SendError."""
        try:
            with contextlib.suppress(Forbidden, BadRequest):  # not every group lets everybody write
                await self._bot.send_message(chat_id=address, text=words)
            await self._bot.leave_chat(address)
        except (Forbidden, BadRequest):
            return  # gone already
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def stop_webhook(self) -> None:
        """Have updates wait to be fetched; raises SendError."""
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def fetch(self, after: int | None, *, wait: timedelta) -> list[Mapping[str, Any]]:
        """Return the updates after one that has been dealt with, waiting for news; raises SendError."""
        try:
            found = await self._bot.get_updates(
                offset=None if after is None else after + 1,
                timeout=wait,
                allowed_updates=ALLOWED_UPDATES,
                read_timeout=wait.total_seconds() + 10,
            )
        except TelegramError as error:
            raise _as_send_error(error) from None
        return [update.to_dict() for update in found]

    async def register(self, webhook_base: str, *, own: bool = False) -> None:
        """Tell Telegram where our door is, and with which secret to knock; raises SendError.

        A business's own bot has a door of its own: nothing else in an update says which bot it is for.
        """
        door = f"/{self._access.bot_id}" if own else ""
        try:
            await self._bot.set_webhook(
                f"{webhook_base.rstrip('/')}/webhooks/telegram{door}",
                secret_token=self._access.secret,
                allowed_updates=ALLOWED_UPDATES,
                max_connections=MOST_WEBHOOKS_AT_ONCE,
            )
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def name_in_links(self) -> tuple[str, str]:
        """Return the bot's id and its username, as Telegram has it now; raises SendError."""
        try:
            return self._access.bot_id, (await self._bot.get_me()).username or ""
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def registered(self) -> str:
        """Return where Telegram sends updates now, empty if nowhere; raises SendError."""
        try:
            return (await self._bot.get_webhook_info()).url
        except TelegramError as error:
            raise _as_send_error(error) from None

    async def close(self) -> None:
        """Close the connections to Telegram."""
        await self._request.shutdown()


async def addressed(request: Request) -> Addressed:
    """Return the bot that an update is for: the door says it, where the bot is a business's own."""
    return Addressed(request.path_params.get("account"))


def keyboard_for(message: OutgoingMessage) -> telegram.InlineKeyboardMarkup | None:
    """Return the choices as rows of buttons: short labels share a row, a long one has its own."""
    rows: list[list[telegram.InlineKeyboardButton]] = []
    width = ROW_WIDTH
    for choice in message.choices:
        button = telegram.InlineKeyboardButton(choice.label, callback_data=choice.id)
        if rows and width + len(choice.label) <= ROW_WIDTH and len(rows[-1]) < MOST_IN_ROW:
            rows[-1].append(button)
            width += len(choice.label)
        else:
            rows.append([button])
            width = len(choice.label)
    return telegram.InlineKeyboardMarkup(rows) if rows else None


def _introduction(text: str | None) -> str | None:
    """Return what a deep link put behind /start, if it can be a token of ours."""
    found = _STARTED.fullmatch((text or "").strip())
    return found[1] if found else None


def _checked(event: Event) -> Event:
    """The library takes any JSON for a text; we do not."""
    if isinstance(event, IncomingMessage):
        texts = (event.text, event.choice, event.display_name, event.locale)
        if not all(text is None or isinstance(text, str) for text in texts):
            raise TypeError("not a text")
    return event


def _message_id(chat: int, message: int) -> ProviderId:
    if not (isinstance(chat, int) and isinstance(message, int)):
        raise TypeError("not an id")
    return ProviderId(f"{chat}:{message}")


def _label_of(where: telegram.MaybeInaccessibleMessage, data: str | None) -> str:
    """What the button said, so that the transcript reads well."""
    markup = where.reply_markup if isinstance(where, telegram.Message) else None
    rows = markup.inline_keyboard if markup is not None else ()
    return next((button.text for row in rows for button in row if button.callback_data == data), "")


def _attachments(message: telegram.Message) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = []
    if message.photo:
        found.append({"type": "photo", "file_id": message.photo[-1].file_id})
    for kind in ("voice", "audio", "video", "video_note", "document", "sticker", "animation"):
        file = getattr(message, kind)
        if file is not None:
            found.append({"type": kind, "file_id": file.file_id})
    if message.location is not None:
        place = message.location
        found.append({"type": "location", "latitude": str(place.latitude), "longitude": str(place.longitude)})
    if message.contact is not None:
        found.append({"type": "contact", "phone": message.contact.phone_number})
    return found


def _as_send_error(error: TelegramError) -> SendError:
    """BadRequest and TimedOut are kinds of NetworkError: the order matters."""
    match error:
        case RetryAfter():
            asked = error.retry_after
            wait = asked if isinstance(asked, timedelta) else timedelta(seconds=asked)
            return SendError("telegram_flood", retryable=True, retry_after=wait)
        case Forbidden():
            return SendError("telegram_forbidden", retryable=False, opted_out=True)
        case BadRequest() | ChatMigrated():
            return SendError("telegram_bad_request", retryable=False)
        case TimedOut() | NetworkError() if isinstance(error.__cause__, _NOT_SENT):
            return SendError("telegram_unreachable", retryable=True)
        case TimedOut():
            return SendError("telegram_no_answer", retryable=True, unsure=True)
        case NetworkError() if isinstance(error.__cause__, httpx.HTTPError):
            return SendError("telegram_no_answer", retryable=True, unsure=True)
        case NetworkError() if isinstance(error.__cause__, TelegramError) and "(504)" in error.message:
            # A gateway's page in place of an answer: what is behind it may have done it.
            return SendError("telegram_no_answer", retryable=True, unsure=True)
        case _ if type(error) is TelegramError:
            # "Invalid server response": a 200 that cannot be read tells of something that was done.
            return SendError("telegram_no_answer", retryable=True, unsure=True)
        case _:
            # Telegram's own 5xx ("ok": false, not done), or a token that somebody has to mend.
            return SendError("telegram_error", retryable=True)
