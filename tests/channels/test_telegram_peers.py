"""Our Telegram traffic before a foreign judge: aiogram's models of the Bot API."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.access import TelegramAccess
from channels.contract import Choice, OutgoingMessage, ProviderId, Tap
from channels.telegram import Telegram
from tests.channels import test_telegram as samples
from tests.channels import test_telegram_lookup as lookup
from tests.channels.peer import Peer, open_peer

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "uv" / "bin" / "uv"
JUDGE = ROOT / "tests" / "peers" / "telegram_judge.py"
pytestmark = pytest.mark.peers


def verdicts(lines: list[dict[str, Any]]) -> list[str]:
    command = [str(UV), "run", "--no-project", "--python", "3.11", "--with", "aiogram==3.31.0", "python", str(JUDGE)]
    written = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=written, capture_output=True, text=True, timeout=300, check=True, cwd="/tmp")
    return [json.loads(line) for line in done.stdout.splitlines()]


def as_said(peer: Peer) -> list[dict[str, Any]]:
    lines = []
    for asked in peer.asked:
        params: dict[str, Any] = dict(asked.form)
        for name in {"reply_markup", "allowed_updates"} & set(params):
            params[name] = json.loads(params[name])
        lines.append({"method": asked.path.rsplit("/", 1)[1], "params": params})
    return lines


async def test_what_we_ask_is_the_bot_api() -> None:
    choices = [Choice(f"b1:{n:024}", label) for n, label in enumerate(["Sí ✅", "Wed 25 Nov · 14:30", "x" * 60])]
    async with open_peer() as peer:
        peer.answers = {
            "/sendMessage": [samples.SENT],
            "/answerCallbackQuery": [samples.ok(True)],
            "/editMessageReplyMarkup": [samples.ok(True)],
            "/editMessageCaption": [lookup.TEXT_OF_OURS],
            "/setWebhook": [samples.ok(True)],
        }
        bot = Telegram(TelegramAccess(samples.TOKEN, samples.SECRET, peer.url), quiet=timedelta(0))
        await bot.send(OutgoingMessage("k", "700", "42", "¡Hola! *_[]() <b> 👋" * 20))
        await bot.send(OutgoingMessage("k", "700", "42", "Which?", choices))
        await bot.acknowledge(Tap("42", ProviderId("tap:4382"), ProviderId("42:8")))
        assert await bot.find_sent(lookup.looked_for()) == ProviderId("42:9")
        await bot.register("https://chat.example.com")
        await bot.close()
        asked = as_said(peer)
    assert [line["method"] for line in asked] == [
        "sendMessage",
        "sendMessage",
        "answerCallbackQuery",
        "editMessageReplyMarkup",
        "editMessageCaption",
        "setWebhook",
    ]
    assert verdicts(asked) == ["ok"] * 6


def test_the_updates_of_our_tests_are_telegrams() -> None:
    updates = [samples.TEXT, samples.TAPPED, samples.member("kicked", until_date=0)]
    answers = [{"method": "sendMessage", "answer": samples.SENT[1]["result"]}]
    assert verdicts([{"update": update} for update in updates] + answers) == ["ok"] * 4


def test_the_judge_does_refuse() -> None:
    wrong: list[dict[str, Any]] = [
        {"method": "sendMessage", "params": {"text": "to nobody"}},
        {"method": "sendMessage", "params": {"chat_id": "1", "text": "x", "colour": "red"}},
        {"method": "sendMessage", "params": {"chat_id": "1", "text": "x" * 5000}},
        {
            "method": "sendMessage",
            "params": {
                "chat_id": "1",
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]},
            },
        },
        {"update": {"message": {}}},
        {"method": "sendMessage", "answer": {"message_id": "x"}},
    ]
    assert "ok" not in verdicts(wrong)
