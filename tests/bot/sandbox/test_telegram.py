"""python-telegram-bot's Bot against the stand-in."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken
from telegram.request import HTTPXRequest

from tests.bot.sandbox.theatre import Knock, Theatre

MARIA = "700100200"
KEYS = InlineKeyboardMarkup(
    [[InlineKeyboardButton("10:00", callback_data="b1:x"), InlineKeyboardButton("11:00", callback_data="b1:y")]]
)


@contextlib.asynccontextmanager
async def open_bot(theatre: Theatre, token: str | None = None) -> AsyncIterator[Bot]:
    request = HTTPXRequest(httpx_kwargs={"trust_env": False})
    access = theatre.stage.telegram
    yield Bot(token or access.token, base_url=f"{access.api_url}/bot", request=request, get_updates_request=request)
    await request.shutdown()


@pytest.fixture
async def bot(theatre: Theatre) -> AsyncIterator[Bot]:
    async with open_bot(theatre) as bot:
        yield bot


def update_of(theatre: Theatre, knock: Knock) -> Update:
    assert knock.headers["x-telegram-bot-api-secret-token"] == theatre.stage.telegram.secret
    update = Update.de_json(json.loads(knock.body), None)
    assert update.update_id > 100_000_000
    return update


async def test_a_text_becomes_an_update_and_an_answer_reaches_the_phone(theatre: Theatre, bot: Bot) -> None:
    await bot.initialize()
    assert str(bot.id) == theatre.stage.telegram.bot_id
    await theatre.say("telegram", MARIA, "/start now")
    first = update_of(theatre, await theatre.knock("webhooks/telegram"))
    assert (first.message.text, str(first.message.chat.id)) == ("/start now", MARIA)
    assert first.message.entities[0].length == len("/start")
    assert first.message.from_user.full_name == "Sam"
    sent = await bot.send_message(MARIA, "When?", reply_markup=KEYS)
    assert sent.reply_markup == KEYS
    assert sent.from_user.is_bot
    shown = (await theatre.screen("telegram", MARIA))[-1]
    assert shown["choices"] == [{"id": "b1:x", "label": "10:00"}, {"id": "b1:y", "label": "11:00"}]


async def test_a_tap_is_answered_once_and_its_buttons_go(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    sent = await bot.send_message(MARIA, "When?", reply_markup=KEYS)
    shown = (await theatre.screen("telegram", MARIA))[-1]
    tapped = await theatre.http.post(
        f"/sandbox/phones/telegram/{MARIA}/tap", json={"message": shown["n"], "choice": "b1:y"}
    )
    assert tapped.is_success
    hi = update_of(theatre, await theatre.knock("webhooks/telegram", nth=0))
    tap = update_of(theatre, await theatre.knock("webhooks/telegram", nth=1))
    assert tap.update_id > hi.update_id
    query = tap.callback_query
    assert (query.data, query.message.message_id) == ("b1:y", sent.message_id)
    assert await bot.answer_callback_query(query.id)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query.id)
    await bot.edit_message_reply_markup(MARIA, sent.message_id, reply_markup=None)
    assert (await theatre.screen("telegram", MARIA))[-1]["choices"] == []
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await bot.edit_message_reply_markup(MARIA, sent.message_id, reply_markup=None)
    edited = await bot.edit_message_text("Booked", MARIA, sent.message_id)
    assert (edited.text, edited.edit_date is not None) == ("Booked", True)


async def test_a_late_answer_to_a_tap_is_refused(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    await bot.send_message(MARIA, "When?", reply_markup=KEYS)
    n = (await theatre.screen("telegram", MARIA))[-1]["n"]
    await theatre.http.post(f"/sandbox/phones/telegram/{MARIA}/tap", json={"message": n, "choice": "b1:x"})
    tap = update_of(theatre, await theatre.knock("callback_query"))
    await theatre.http.post("/sandbox/clock", json={"advance": "PT1H"})
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(tap.callback_query.id)


async def test_refusals(theatre: Theatre, bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(MARIA, "Hello")
    await theatre.say("telegram", MARIA, "Hi")
    with pytest.raises(BadRequest, match="too long"):
        await bot.send_message(MARIA, "x" * 4097)
    with pytest.raises(BadRequest, match="empty"):
        await bot.send_message(MARIA, "  ")
    too_much = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="é" * 33)]])
    with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
        await bot.send_message(MARIA, "x", reply_markup=too_much)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("x", MARIA, 999_999)
    async with open_bot(theatre, "1:wrong") as stranger:
        with pytest.raises(InvalidToken):
            await stranger.get_me()
    answer = await theatre.http.post(f"/sandbox/telegram/bot{theatre.stage.telegram.token}/flyToTheMoon")
    assert (answer.status_code, answer.json()["ok"]) == (404, False)


async def test_who_blocks_the_bot_is_told_and_hears_nothing(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    path = f"/sandbox/phones/telegram/{MARIA}/block"
    assert (await theatre.http.post(path, json={"blocked": True})).is_success
    left = update_of(theatre, await theatre.knock("kicked"))
    assert left.my_chat_member.new_chat_member.status == "kicked"
    with pytest.raises(Forbidden):
        await bot.send_message(MARIA, "Hello")
    await theatre.say("telegram", MARIA, "back again")
    await theatre.knock("back again")
    assert await bot.send_message(MARIA, "Hello")


async def test_messages_are_deleted_and_work_is_shown(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    sent = await bot.send_message(MARIA, "Oops")
    assert await bot.delete_message(MARIA, sent.message_id)
    assert [one["text"] for one in await theatre.screen("telegram", MARIA)] == ["Hi"]
    assert await bot.send_chat_action(MARIA, "typing")


async def test_without_a_webhook_updates_wait_to_be_fetched(theatre: Theatre, bot: Bot) -> None:
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    assert await bot.delete_webhook()
    await theatre.say("telegram", MARIA, "one")
    await theatre.say("telegram", MARIA, "two")
    assert (await bot.get_webhook_info()).pending_update_count == 2
    first, second = await bot.get_updates(timeout=0)
    assert (first.message.text, second.update_id) == ("one", first.update_id + 1)
    assert [one.message.text for one in await bot.get_updates(offset=second.update_id, timeout=0)] == ["two"]
    assert theatre.knocks == []
    await bot.set_webhook(f"{theatre.base}/webhooks/telegram", secret_token="s3", allowed_updates=["message"])
    info = await bot.get_webhook_info()
    assert (info.url, info.allowed_updates) == (f"{theatre.base}/webhooks/telegram", ("message",))
    await theatre.knock("two")
    await theatre.say("telegram", MARIA, "three")
    knock = await theatre.knock("three")
    assert knock.headers["x-telegram-bot-api-secret-token"] == "s3"


async def test_dates_follow_the_systems_clock(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    before = await bot.send_message(MARIA, "now")
    await theatre.http.post("/sandbox/clock", json={"advance": "P1D"})
    after = await bot.send_message(MARIA, "later")
    assert after.date - before.date >= timedelta(days=1)


async def test_one_count_numbers_all_private_chats(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("sms", "+34600111222", "not Telegram's")
    await theatre.say("telegram", MARIA, "Hi")
    first = update_of(theatre, await theatre.knock("webhooks/telegram", nth=0)).message.message_id
    await theatre.say("telegram", "700100201", "Hello")
    await theatre.say("sms", "+34600111222", "nor this")
    here, there = await bot.send_message(MARIA, "One"), await bot.send_message("700100201", "Two")
    assert [here.message_id - first, there.message_id - first] == [2, 3]


async def test_a_caption_is_refused_by_what_stands_there_and_nothing_changes(theatre: Theatre, bot: Bot) -> None:
    await theatre.say("telegram", MARIA, "Hi")
    theirs = update_of(theatre, await theatre.knock("webhooks/telegram", nth=0)).message.message_id
    await theatre.say("telegram", "700100201", "Hello")
    ours = await bot.send_message(MARIA, "When?", reply_markup=KEYS)
    elsewhere = await bot.send_message("700100201", "Who?")
    before = await theatre.screen("telegram", MARIA)
    for number, refusal in (
        (ours.message_id, "there is no caption in the message to edit"),
        (theirs, "message can't be edited"),
        (elsewhere.message_id, "message to edit not found"),
        (elsewhere.message_id + 1, "message to edit not found"),
    ):
        with pytest.raises(BadRequest, match=f"(?i){refusal}"):
            await bot.edit_message_caption(MARIA, number, caption="x")
    assert await theatre.screen("telegram", MARIA) == before
