"""What we ask of Twilio, by the official client, and what its answers mean."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.access import TwilioAccess
from channels.contract import Choice, OutgoingMessage, SendError
from channels.registry import build
from channels.twilio import Twilio
from channels.twilio_errors import MEANINGS
from tests.channels.peer import Peer, open_peer

ACCOUNT = "AC" + "1" * 32
MESSAGES = f"/prefix/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CREATED = (201, {"sid": "SM" + "d" * 32, "status": "queued"})
CONTENT = (201, {"sid": "HX" + "e" * 32})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with open_peer() as peer:
        peer.answers = {"/Messages.json": [CREATED], "/v1/Content": [CONTENT]}
        yield peer


def access(peer: Peer) -> TwilioAccess:
    return TwilioAccess(ACCOUNT, "secret", "+15005550006", "+15005550007", peer.url, "https://chat.example.com")


@pytest.fixture
async def sms(peer: Peer) -> AsyncIterator[Twilio]:
    channel = Twilio.sms(access(peer), quiet=timedelta(0))
    yield channel
    await channel.close()


@pytest.fixture
async def whatsapp(peer: Peer) -> AsyncIterator[Twilio]:
    channel = Twilio.whatsapp(access(peer), quiet=timedelta(0), list_button=lambda locale: {"es": "Elegir"}[locale])
    yield channel
    await channel.close()


def a_text(text: str = "Which time?", *labels: str, to: str = "+34600111222", others: Any = ()) -> OutgoingMessage:
    choices = tuple(Choice(f"b1:{number}", label) for number, label in enumerate(labels, start=1))
    return OutgoingMessage("k.1", "+15005550006", to, text, choices, "es", others)


async def test_a_text_goes_to_the_messages_api(sms: Twilio, peer: Peer) -> None:
    assert await sms.send(a_text("¡Hola! 👋")) == "SM" + "d" * 32
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", MESSAGES)
    assert asked.form == {
        "From": "+15005550006",
        "To": "+34600111222",
        "Body": "¡Hola! 👋",
        "StatusCallback": "https://chat.example.com/webhooks/sms/status?key=k.1",
    }
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:secret".encode()).decode()


async def test_an_sms_goes_by_the_messaging_service_and_in_time(peer: Peer) -> None:
    service = "MG" + "5" * 32
    channel = Twilio.sms(replace(access(peer), messaging_service_sid=service), quiet=timedelta(0))
    await channel.send(replace(a_text("See you"), useful_for=timedelta(minutes=20)))
    await channel.close()
    (asked,) = peer.asked
    told = (asked.form["MessagingServiceSid"], asked.form["From"], asked.form["ValidityPeriod"])
    assert told == (service, "+15005550006", "1200")


async def test_choices_on_sms_are_numbered(sms: Twilio, peer: Peer) -> None:
    await sms.send(a_text("Which?", "Wed 10:00", "Thu 11:30"))
    assert peer.asked[0].form["Body"] == "Which?\n1 Wed 10:00\n2 Thu 11:30"


async def test_few_short_choices_on_whatsapp_are_quick_replies(whatsapp: Twilio, peer: Peer) -> None:
    await whatsapp.send(a_text("Sure?", "Sí", "No"))
    content, sent = peer.asked
    assert content.path == "/prefix/v1/Content"
    body = json.loads(content.body)
    assert body["types"] == {
        "twilio/quick-reply": {
            "body": "Sure?",
            "actions": [
                {"type": "QUICK_REPLY", "title": "Sí", "id": "b1:1"},
                {"type": "QUICK_REPLY", "title": "No", "id": "b1:2"},
            ],
        }
    }
    assert body["language"] == "es"
    assert sent.form["ContentSid"] == "HX" + "e" * 32
    assert "Body" not in sent.form


async def test_more_choices_on_whatsapp_are_a_list(whatsapp: Twilio, peer: Peer) -> None:
    await whatsapp.send(a_text("Which?", *[f"mié. 25 nov · 14:{n:02}" for n in range(9)]))
    picker = json.loads(peer.asked[0].body)["types"]["twilio/list-picker"]
    assert (picker["body"], picker["button"], len(picker["items"])) == ("Which?", "Elegir", 9)
    assert picker["items"][8] == {"item": "mié. 25 nov · 14:08", "id": "b1:9", "description": "9"}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Which?", ["x" * 25]),
        ("Which?", [f"{n}" for n in range(11)]),
        ("Which?", ["same", "same"]),
        ("Which?", ["", "b"]),
        ("Dear {{1}}, which?", ["a", "b"]),
        ("Which?", ["{{a}}", "b"]),
        ("w" * 1025, ["a", "b"]),
    ],
)
async def test_what_whatsapp_has_no_form_for_is_numbered(
    whatsapp: Twilio, peer: Peer, text: str, labels: list[str]
) -> None:
    await whatsapp.send(a_text(text, *labels))
    (asked,) = peer.asked
    assert asked.form["Body"].startswith(text + "\n1 ")


async def test_a_retry_makes_no_second_content(whatsapp: Twilio, peer: Peer) -> None:
    peer.answers["/Messages.json"] = [(429, {"code": 20429, "message": "slow"}), CREATED]
    with pytest.raises(SendError):
        await whatsapp.send(a_text("Sure?", "Sí", "No"))
    await whatsapp.send(a_text("Sure?", "Sí", "No"))
    assert [asked.path.rsplit("/", 1)[1] for asked in peer.asked] == ["Content", "Messages.json", "Messages.json"]


async def test_a_refused_content_falls_back_to_numbers(whatsapp: Twilio, peer: Peer) -> None:
    peer.answers["/v1/Content"] = [(400, {"code": 20001_1, "message": "no", "status": 400})]
    await whatsapp.send(a_text("Sure?", "Sí", "No"))
    assert peer.asked[1].form["Body"] == "Sure?\n1 Sí\n2 No"


async def test_a_content_api_that_is_away_is_retried(whatsapp: Twilio, peer: Peer) -> None:
    peer.answers["/v1/Content"] = [(503, "<html>away</html>")]
    with pytest.raises(SendError) as caught:
        await whatsapp.send(a_text("Sure?", "Sí", "No"))
    assert (caught.value.retryable, caught.value.unsure) == (True, False)


@pytest.mark.parametrize("code", sorted(MEANINGS))
async def test_every_code_of_the_table(sms: Twilio, peer: Peer, code: int) -> None:
    peer.answers["/Messages.json"] = [(400, {"code": code, "message": "to +34600111222", "status": 400})]
    with pytest.raises(SendError) as caught:
        await sms.send(a_text())
    error, meaning = caught.value, MEANINGS[code]
    assert (error.code, error.retryable, error.opted_out) == (f"twilio_{code}", meaning.retryable, meaning.opted_out)
    assert not error.unsure
    assert "34600" not in str(error)


@pytest.mark.parametrize(
    ("answer", "retryable", "unsure"),
    [
        ((400, {"code": 98765, "message": "?"}), False, False),
        ((404, "<html>nothing</html>"), False, False),
        ((401, {"code": 20003, "message": "?"}), True, False),
        ((429, {"code": 98765, "message": "?"}), True, False),
        ((500, {"code": 20500, "message": "?"}), True, True),
        ((502, "<html>bad gateway</html>"), True, True),
        (
            (429, {"type": "about:blank", "title": "Slow down", "status": 429, "code": 20429}),
            True,
            False,
        ),
        ((201, "<html>not what was promised</html>"), True, True),
        (None, True, True),
    ],
)
async def test_other_answers(
    sms: Twilio, peer: Peer, answer: tuple[int, Any] | None, retryable: bool, unsure: bool
) -> None:
    peer.answers["/Messages.json"] = [answer]
    with pytest.raises(SendError) as caught:
        await sms.send(a_text())
    assert (caught.value.retryable, caught.value.unsure) == (retryable, unsure)


async def test_nobody_there_is_sure_not_to_have_it(peer: Peer) -> None:
    channel = Twilio.sms(replace(access(peer), api_url="http://127.0.0.1:9"), quiet=timedelta(0))
    with pytest.raises(SendError) as caught:
        await channel.send(a_text())
    assert (caught.value.retryable, caught.value.unsure) == (True, False)
    await channel.close()


def listed(*bodies: str) -> tuple[int, Any]:
    messages = [{"sid": f"SM{number}", "body": body, "num_segments": "1"} for number, body in enumerate(bodies)]
    return (200, {"messages": messages, "next_page_uri": None, "page": 0, "page_size": 50})


@pytest.mark.parametrize(
    ("bodies", "others", "found"),
    [
        (["Which time?"], (), "SM0"),
        (["Sent from your Twilio trial account - Which time?"], (), "SM0"),
        (["something else", "Which time?"], (), "SM1"),
        (["Which time?", "Which time?"], ("SM0",), "SM1"),
        (["Which time?"], ("SM0",), None),
        (["Which time? And who?"], (), None),
        ([], (), None),
    ],
)
async def test_a_sent_message_is_found_by_its_words(
    sms: Twilio, peer: Peer, bodies: list[str], others: tuple[str, ...], found: str | None
) -> None:
    peer.answers["/Messages.json"] = [listed(*bodies)]
    assert await sms.find_sent(a_text("Which time?", others=others)) == found
    assert peer.asked[0].method == "GET"
    assert peer.asked[0].query == {"To": "+34600111222", "From": "+15005550006", "PageSize": "50"}


async def test_a_numbered_message_is_found(sms: Twilio, peer: Peer) -> None:
    peer.answers["/Messages.json"] = [listed("Which?\n1 Ana\n2 Bruno")]
    assert await sms.find_sent(a_text("Which?", "Ana", "Bruno")) == "SM0"


@pytest.mark.parametrize("answer", [(503, "<html/>"), None, (200, "<html/>")])
async def test_a_list_that_cannot_be_read_tells_nothing(
    sms: Twilio, peer: Peer, answer: tuple[int, Any] | None
) -> None:
    peer.answers["/Messages.json"] = [answer]
    with pytest.raises(SendError) as caught:
        await sms.find_sent(a_text())
    assert caught.value.retryable


async def test_nothing_is_logged_of_whom_and_what(sms: Twilio, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    build(twilio=None, telegram=None)
    peer.answers["/Messages.json"] = [CREATED, listed("my secret")]
    # aiohttp is the peer itself, on the other side of the wire.
    caplog.set_level(logging.WARNING, logger="aiohttp.access")
    with caplog.at_level(logging.INFO):
        await sms.send(a_text("my secret"))
        await sms.find_sent(a_text("my secret"))
    assert "secret" not in caplog.text
    assert "34600" not in caplog.text
