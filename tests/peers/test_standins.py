"""The stand-ins before foreign judges: aiogram's models of the Bot API, and npm `emulate`'s Twilio beside ours."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from booking_core.kit.db import Database
from tests.bot.sandbox.theatre import Theatre, open_theatre, settings_for
from tests.channels.test_telegram_peers import verdicts
from tests.channels.test_twilio_peers import ACCOUNT, EMULATE, SMS, TOKEN, emulated, free_port

pytestmark = pytest.mark.peers
MARIA, ANA = "700100200", "+34600111222"
KEYS = {"inline_keyboard": [[{"text": "10:00", "callback_data": "b1:x"}], [{"text": "11:00", "callback_data": "b1:y"}]]}


@pytest.fixture
async def theatre(database: Database, database_url: str) -> AsyncIterator[Theatre]:
    async with open_theatre(database, settings_for(database_url)) as theatre:
        yield theatre


async def test_telegrams_answers_and_updates_are_the_bot_apis(theatre: Theatre) -> None:
    lines: list[dict[str, Any]] = []

    async def call(method: str, **fields: Any) -> Any:
        path = f"/sandbox/telegram/bot{theatre.stage.telegram.token}/{method}"
        answer = (await theatre.http.post(path, json=fields)).json()
        assert answer["ok"], answer
        lines.append({"method": method, "answer": answer["result"]})
        return answer["result"]

    await call("getMe")
    await theatre.say("telegram", MARIA, "/start")
    sent = await call("sendMessage", chat_id=MARIA, text="When?", reply_markup=KEYS)
    await theatre.http.post(
        f"/sandbox/phones/telegram/{MARIA}/tap", json={"message": sent["message_id"], "choice": "b1:x"}
    )
    tap = json.loads((await theatre.knock("callback_query")).body)
    await call("answerCallbackQuery", callback_query_id=tap["callback_query"]["id"])
    await call("editMessageReplyMarkup", chat_id=MARIA, message_id=sent["message_id"])
    await call("editMessageText", chat_id=MARIA, message_id=sent["message_id"], text="Booked")
    await call("sendChatAction", chat_id=MARIA, action="typing")
    await call("getWebhookInfo")
    await call("deleteMessage", chat_id=MARIA, message_id=sent["message_id"])
    await theatre.http.post(f"/sandbox/phones/telegram/{MARIA}/block", json={"blocked": True})
    await theatre.knock("kicked")
    await theatre.say("telegram", MARIA, "back")
    await theatre.knock('"text": "back"')
    lines += [{"update": json.loads(knock.body)} for knock in theatre.knocks]
    assert len(lines) == 8 + 5
    assert verdicts(lines) == ["ok"] * len(lines)


@pytest.mark.skipif(not EMULATE.is_file(), reason="THREADBOOK_PEERS names no folder with emulate")
async def test_twilios_message_is_the_same_resource_as_emulates(theatre: Theatre, tmp_path: Path) -> None:
    seed = tmp_path / "emulate.json"
    numbers = [{"phone_number": SMS, "friendly_name": "SMS"}]
    account = {"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Tests"}
    seed.write_text(json.dumps({"twilio": {"account": account, "phone_numbers": numbers}}))
    access = theatre.stage.twilio
    async with emulated(seed, free_port()) as url:
        theirs = await _messages(url, ACCOUNT, TOKEN, SMS)
    ours = await _messages(access.api_url or "", access.account_sid, access.auth_token, access.sms_number)
    for our, their in zip(ours, theirs, strict=True):
        assert set(their) <= set(our)
        # What one says as text, the other does not say as a number.
        for name in set(their) - {"price", "error_code", "error_message", "messaging_service_sid", "date_sent"}:
            assert type(our[name]) is type(their[name]), name


async def _messages(url: str, account: str, token: str, sender: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(auth=(account, token), base_url=f"{url}/2010-04-01/Accounts/{account}") as http:
        form = {"To": ANA, "From": sender, "Body": "Hello"}
        made = await http.post("/Messages.json", data=form)
        assert made.status_code == 201, made.text
        fetched = await http.get(f"/Messages/{made.json()['sid']}.json")
        listed = await http.get("/Messages.json", params={"To": ANA})
        refused = await http.post("/Messages.json", data=form | {"To": ""})
        assert refused.status_code == 400
        return [made.json(), fetched.json(), listed.json()["messages"][0], refused.json()]
