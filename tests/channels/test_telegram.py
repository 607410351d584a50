"""Telegram's updates read, and what we ask of its Bot API by the official client."""

import copy
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.logs import hush
from channels.access import TelegramAccess
from channels.contract import (
    ChannelLeft,
    ChannelReturned,
    Choice,
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
from channels.registry import build
from channels.telegram import Telegram, keyboard_for
from tests.channels.peer import Peer, open_peer

SECRET = "s3cret_-"
TOKEN = "700:AAE-token"
ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "Lovelace", "language_code": "en-GB"}
CHAT = {"id": 42, "type": "private", "first_name": "Ada"}
TEXT = {
    "update_id": 10,
    "message": {"message_id": 7, "from": ADA, "chat": CHAT, "date": 1_790_000_000, "text": "haircut tomorrow?"},
}
BOT = {"id": 700, "is_bot": True, "first_name": "Marigold", "username": "marigold_bot"}
KEYBOARD = {"inline_keyboard": [[{"text": "Wed 10:00", "callback_data": "b1:x"}]]}
TAPPED = {
    "update_id": 11,
    "callback_query": {
        "id": "4382bfdwdsb323b2d9",
        "from": ADA,
        "chat_instance": "1",
        "data": "b1:x",
        "message": {
            "message_id": 8,
            "from": BOT,
            "chat": CHAT,
            "date": 1_790_000_001,
            "text": "Which?",
            "reply_markup": KEYBOARD,
        },
    },
}


def member(status: str, **more: object) -> dict[str, Any]:
    old = {"user": BOT, "status": "member"}
    return {
        "update_id": 12,
        "my_chat_member": {
            "chat": CHAT,
            "from": ADA,
            "date": 1_790_000_002,
            "old_chat_member": old,
            "new_chat_member": {"user": BOT, "status": status, **more},
        },
    }


def adapter(api_url: str | None = None) -> Telegram:
    return Telegram(TelegramAccess(TOKEN, SECRET, api_url), quiet=timedelta(0))


def a_request(body: bytes, secret: str | None = SECRET) -> Request:
    headers = [] if secret is None else [(b"x-telegram-bot-api-secret-token", secret.encode("latin-1"))]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}, receive)


async def read(update: object) -> Event:
    (event,) = await adapter().read(a_request(json.dumps(update).encode()))
    return event


def changed(update: dict[str, Any], *path: str, **values: object) -> dict[str, Any]:
    new = copy.deepcopy(update)
    inner = new
    for step in path:
        inner = inner[step]
    inner.update(values)
    return new


async def test_a_text() -> None:
    assert await read(TEXT) == IncomingMessage(
        account="700",
        address="42",
        provider_id=ProviderId("42:7"),
        text="haircut tomorrow?",
        display_name="Ada Lovelace",
        locale="en-GB",
        attachments=[],
    )


async def test_start_is_a_text_like_any_other() -> None:
    event = await read(changed(TEXT, "message", text="/start"))
    assert isinstance(event, IncomingMessage)
    assert event.text == "/start"


async def test_a_reply_says_what_it_answers() -> None:
    replied = {"message_id": 5, "chat": CHAT, "date": 1_790_000_000, "from": BOT, "text": "?"}
    event = await read(changed(TEXT, "message", reply_to_message=replied))
    assert isinstance(event, IncomingMessage)
    assert event.in_reply_to == "42:5"


async def test_a_tap() -> None:
    assert await read(TAPPED) == IncomingMessage(
        account="700",
        address="42",
        provider_id=ProviderId("tap:4382bfdwdsb323b2d9"),
        text="Wed 10:00",
        choice="b1:x",
        in_reply_to=ProviderId("42:8"),
        display_name="Ada Lovelace",
        locale="en-GB",
        acknowledge=True,
    )


async def test_a_tap_under_a_message_too_old_to_be_shown() -> None:
    event = await read(changed(TAPPED, "callback_query", message={"chat": CHAT, "message_id": 8, "date": 0}))
    assert isinstance(event, IncomingMessage)
    assert (event.choice, event.in_reply_to, event.text) == ("b1:x", "42:8", "")


async def test_an_edit_corrects_its_message_and_each_edit_is_one() -> None:
    edited = {"update_id": 20, "edited_message": {**TEXT["message"], "text": "at 4", "edit_date": 1_790_000_009}}  # type: ignore[dict-item]
    event, later = await read(edited), await read({**edited, "update_id": 21})
    assert isinstance(event, IncomingMessage)
    assert isinstance(later, IncomingMessage)
    assert (event.corrects, event.text) == ("42:7", "at 4")
    assert len({event.provider_id, later.provider_id, "42:7"}) == 3


async def test_blocking_and_coming_back() -> None:
    assert await read(member("kicked", until_date=0)) == ChannelLeft("700", "42")
    assert await read(member("member")) == ChannelReturned("700", "42")


@pytest.mark.parametrize(
    "update",
    [
        changed(TEXT, "message", chat={"id": -5, "type": "group", "title": "Salon"}),
        changed(TEXT, "message", chat={"id": -6, "type": "supergroup", "title": "Salon"}),
        changed(TEXT, "message", **{"from": BOT}),
        changed(member("kicked", until_date=0), "my_chat_member", chat={"id": -5, "type": "group", "title": "x"}),
        {"update_id": 1, "channel_post": {"message_id": 1, "chat": {"id": -1, "type": "channel"}, "date": 1}},
        {"update_id": 1},
        {"update_id": 1, "of_next_year": {"a": 1}},
    ],
)
async def test_what_is_not_a_private_word_is_ignored(update: dict[str, Any]) -> None:
    assert isinstance(await read(update), Ignored)


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        (
            {"voice": {"file_id": "V", "file_unique_id": "v", "duration": 3}},
            {"type": "voice", "file_id": "V"},
        ),
        (
            {"photo": [{"file_id": i, "file_unique_id": i, "width": 9, "height": 9} for i in "SL"], "caption": "so"},
            {"type": "photo", "file_id": "L"},
        ),
        (
            {"location": {"latitude": 40.4, "longitude": -3.7}},
            {"type": "location", "latitude": "40.4", "longitude": "-3.7"},
        ),
        ({"contact": {"phone_number": "+34", "first_name": "A"}}, {"type": "contact", "phone": "+34"}),
    ],
)
async def test_media(more: dict[str, Any], kept: dict[str, str]) -> None:
    update = changed(TEXT, "message", **more)
    del update["message"]["text"]
    event = await read(update)
    assert isinstance(event, IncomingMessage)
    assert list(event.attachments) == [kept]
    assert event.text == more.get("caption", "")


@pytest.mark.parametrize("secret", [None, "", "x", SECRET + " ", SECRET.upper(), "é" * 8])
async def test_without_the_secret_nothing_is_read(secret: str | None) -> None:
    with pytest.raises(Unauthentic):
        await adapter().read(a_request(json.dumps(TEXT).encode(), secret))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff\xfe",
        b"{" * 5000,
        b"[" * 100_000,
        b'{"update_id": 1, "message": "x"}',
        b'{"update_id": 1, "message": {"message_id": 1}}',
        b'{"update_id": 1, "message": {"message_id": 1, "date": 1e300, "chat": {"id": 1, "type": "private"}}}',
        b'{"update_id": 1, "callback_query": {"id": "1"}}',
    ],
)
async def test_what_is_no_update_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        await adapter().read(a_request(body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


READER = adapter()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([TEXT, TAPPED, member("kicked", until_date=0)]), st.data(), json_values)
async def test_a_spoilt_update_is_read_or_malformed_and_nothing_else(
    update: dict[str, Any], data: st.DataObject, value: object
) -> None:
    place = data.draw(st.sampled_from(places(update)[1:]))
    spoilt = copy.deepcopy(update)
    inner: Any = spoilt
    for step in place[:-1]:
        inner = inner[step]
    if data.draw(st.booleans()):
        inner[place[-1]] = value
    else:
        del inner[place[-1]]
    try:
        events = await READER.read(a_request(json.dumps(spoilt).encode()))
    except Malformed:
        return
    (event,) = events
    if isinstance(event, IncomingMessage):
        for kept in (event.address, event.provider_id, event.text, event.choice or "", event.display_name or ""):
            assert isinstance(kept, str)


# Sending


def ok(result: object) -> tuple[int, Any]:
    return (200, {"ok": True, "result": result})


def refused(status: int, description: str, **parameters: object) -> tuple[int, Any]:
    return (
        status,
        {"ok": False, "error_code": status, "description": description, "parameters": parameters or None},
    )


SENT = ok({"message_id": 9, "date": 1_790_000_003, "chat": CHAT, "from": BOT, "text": "x"})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with open_peer() as peer:
        peer.answers = {
            "/sendMessage": [SENT],
            "/answerCallbackQuery": [ok(True)],
            "/editMessageReplyMarkup": [ok({**SENT[1]["result"]})],
        }
        yield peer


@pytest.fixture
async def bot(peer: Peer) -> AsyncIterator[Telegram]:
    channel = adapter(peer.url)
    yield channel
    await channel.close()


def a_text(text: str = "Which?", *labels: str) -> OutgoingMessage:
    choices = tuple(Choice(f"b1:{number}", label) for number, label in enumerate(labels, start=1))
    return OutgoingMessage("k.1", "700", "42", text, choices)


async def test_a_text_goes_out_as_it_is(bot: Telegram, peer: Peer) -> None:
    assert await bot.send(a_text("<b>*_not_* markup</b> 👋")) == "42:9"
    (asked,) = peer.asked
    assert asked.path == f"/prefix/bot{TOKEN}/sendMessage"
    assert asked.form == {"chat_id": "42", "text": "<b>*_not_* markup</b> 👋"}


async def test_choices_are_buttons(bot: Telegram, peer: Peer) -> None:
    await bot.send(a_text("Which?", "Ana", "Bruno", "Whoever is free first"))
    rows = json.loads(peer.asked[0].form["reply_markup"])["inline_keyboard"]
    assert [[button["text"] for button in row] for row in rows] == [["Ana", "Bruno"], ["Whoever is free first"]]
    assert rows[1][0]["callback_data"] == "b1:3"


@given(st.lists(st.text(min_size=1, max_size=40), max_size=12))
def test_every_choice_is_one_button_in_order(labels: list[str]) -> None:
    markup = keyboard_for(a_text("?", *labels))
    buttons = [button.text for row in (markup.inline_keyboard if markup else ()) for button in row]
    assert buttons == labels


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "opted_out", "unsure"),
    [
        (refused(403, "Forbidden: bot was blocked by the user"), "telegram_forbidden", False, True, False),
        (refused(403, "Forbidden: user is deactivated"), "telegram_forbidden", False, True, False),
        (refused(400, "Bad Request: chat not found"), "telegram_bad_request", False, False, False),
        (refused(400, "Bad Request: message is too long"), "telegram_bad_request", False, False, False),
        (refused(400, "migrated", migrate_to_chat_id=-100), "telegram_bad_request", False, False, False),
        (refused(429, "Too Many Requests: retry after 7", retry_after=7), "telegram_flood", True, False, False),
        (refused(401, "Unauthorized"), "telegram_error", True, False, False),
        (refused(500, "Internal Server Error"), "telegram_error", True, False, False),
        ((502, "<html>Bad Gateway</html>"), "telegram_error", True, False, False),
        (None, "telegram_no_answer", True, False, True),
    ],
)
async def test_refusals(
    bot: Telegram,
    peer: Peer,
    answer: tuple[int, Any] | None,
    code: str,
    retryable: bool,
    opted_out: bool,
    unsure: bool,
) -> None:
    peer.answers["/sendMessage"] = [answer]
    with pytest.raises(SendError) as caught:
        await bot.send(a_text())
    error = caught.value
    assert (error.code, error.retryable, error.opted_out, error.unsure) == (code, retryable, opted_out, unsure)
    assert error.retry_after == (timedelta(seconds=7) if code == "telegram_flood" else None)


async def test_nobody_there_is_sure_not_to_have_it() -> None:
    channel = adapter("http://127.0.0.1:9")
    with pytest.raises(SendError) as caught:
        await channel.send(a_text())
    assert (caught.value.code, caught.value.retryable, caught.value.unsure) == ("telegram_unreachable", True, False)
    await channel.close()


async def test_telegram_cannot_tell_what_it_sent(bot: Telegram) -> None:
    with pytest.raises(SendError) as caught:
        await bot.find_sent(a_text())
    assert (caught.value.retryable, caught.value.unsure) == (False, True)


async def test_a_tap_is_confirmed_and_its_buttons_go(bot: Telegram, peer: Peer) -> None:
    await bot.acknowledge(Tap("42", ProviderId("tap:4382"), ProviderId("42:8")))
    answered, edited = peer.asked
    assert (answered.path.rsplit("/", 1)[1], answered.form) == ("answerCallbackQuery", {"callback_query_id": "4382"})
    assert edited.form == {"chat_id": "42", "message_id": "8"}


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, "Bad Request: message is not modified"),
        refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"),
        refused(400, "Bad Request: message to edit not found"),
        refused(403, "Forbidden: bot was blocked by the user"),
        refused(429, "Too Many Requests", retry_after=3),
        (502, "<html/>"),
        None,
    ],
)
async def test_a_confirmation_that_comes_too_late_is_no_error(
    bot: Telegram, peer: Peer, answer: tuple[int, Any] | None
) -> None:
    peer.answers["/answerCallbackQuery"] = peer.answers["/editMessageReplyMarkup"] = [answer]
    await bot.acknowledge(Tap("42", ProviderId("tap:4382"), ProviderId("42:8")))
    await bot.acknowledge(Tap("42", ProviderId("tap:4382"), None))
    assert len(peer.asked) == 3


async def test_the_door_is_made_known_with_its_secret(bot: Telegram, peer: Peer) -> None:
    url = "https://chat.example.com/webhooks/telegram"
    info = {"url": url, "has_custom_certificate": False, "pending_update_count": 0}
    peer.answers = {"/setWebhook": [ok(True)], "/getWebhookInfo": [ok(info)]}
    await bot.register("https://chat.example.com/")
    said = peer.asked[0].form
    assert (said["url"], said["secret_token"]) == (url, SECRET)
    assert json.loads(said["allowed_updates"]) == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert await bot.registered() == url
    peer.answers = {"Webhook": [refused(400, "Bad Request: bad webhook: HTTPS url must be provided")]}
    with pytest.raises(SendError):
        await bot.register("http://chat.example.com")


async def test_neither_token_nor_words_are_logged(bot: Telegram, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    build(twilio=None, telegram=None)
    caplog.set_level(logging.WARNING, logger="aiohttp.access")
    with caplog.at_level(logging.INFO):
        await bot.send(a_text("my secret"))
        peer.answers["/sendMessage"] = [None]
        with pytest.raises(SendError) as caught:
            await bot.send(a_text("my secret"))
    assert TOKEN not in caplog.text
    assert "my secret" not in caplog.text
    assert caught.value.__cause__ is None


async def test_half_an_answer_is_not_logged(bot: Telegram, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.answers["/sendMessage"] = [(200, '{"ok": true, "result": {"text": "my secret')]
    hush()
    with pytest.raises(SendError) as caught:
        await bot.send(a_text("my secret"))
    assert caught.value.unsure
    assert "my secret" not in caplog.text
