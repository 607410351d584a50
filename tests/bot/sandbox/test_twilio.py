"""Twilio's official client against the stand-in; signatures by the official validator."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from booking_core.kit.db import Database
from bot.sandbox.twilio_sending import service_sid
from channels.twilio_wire import Wire
from tests.bot.sandbox.theatre import Knock, Theatre, open_theatre, settings_for

ANA = "+34600111222"


@pytest.fixture
async def client(theatre: Theatre) -> AsyncIterator[Client]:
    access = theatre.stage.twilio
    wire = Wire(access.api_url)
    yield Client(access.account_sid, access.auth_token, http_client=wire)
    await wire.close()


def form_of(theatre: Theatre, knock: Knock) -> dict[str, str]:
    """Return a webhook's form, after the official validator has seen its signature."""
    form = dict(parse_qsl(knock.body.decode(), keep_blank_values=True))
    validator = RequestValidator(theatre.stage.twilio.auth_token)
    assert validator.validate(knock.url, form, knock.headers["x-twilio-signature"])
    assert not validator.validate(knock.url, {**form, "Body": "forged"}, knock.headers["x-twilio-signature"])
    return form


async def send(theatre: Theatre, client: Client, **more: str) -> object:
    wanted = {"from_": theatre.stage.twilio.sms_number, "to": ANA, "body": "Hello", **more}
    return await client.messages.create_async(**wanted)


async def test_a_text_reaches_the_phone_and_its_status_is_told_in_order(theatre: Theatre, client: Client) -> None:
    sent = await send(theatre, client, status_callback=f"{theatre.base}/webhooks/sms/status?key=k-1")
    assert sent.status == "queued"
    assert sent.sid.startswith("SM")
    assert len(sent.sid) == 34
    assert sent.num_segments == "1"
    assert sent.date_created.tzinfo is not None
    (shown,) = await theatre.screen("sms", ANA)
    assert (shown["from"], shown["text"], shown["choices"]) == ("business", "Hello", [])
    first = form_of(theatre, await theatre.knock("sms/status", nth=0))
    second = form_of(theatre, await theatre.knock("sms/status", nth=1))
    assert [first["MessageStatus"], second["MessageStatus"]] == ["sent", "delivered"]
    assert first["MessageSid"] == sent.sid
    fetched = await client.messages(sent.sid).fetch_async()
    assert fetched.status == "delivered"
    assert fetched.date_sent is not None


async def test_a_customers_text_is_a_signed_webhook_and_a_repeated_one_is_said_once(theatre: Theatre) -> None:
    for _ in range(2):
        answer = await theatre.say("sms", ANA, "a cut & colour?", **{"Idempotency-Key": "one"})
        assert answer.status_code == 202
    form = form_of(theatre, await theatre.knock("webhooks/sms"))
    assert form["Body"] == "a cut & colour?"
    assert (form["From"], form["To"]) == (ANA, theatre.stage.twilio.sms_number)
    assert form["FromCity"] == ""
    assert "OptOutType" not in form
    assert len(await theatre.screen("sms", ANA)) == 1


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"to": "+0"}, 21211),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550123"}, 21659),
        ({"from_": "salon"}, 21606),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "not an address"}, 21609),
        ({"to": f"whatsapp:{ANA}"}, 21910),
        ({"content_sid": "HX" + "0" * 32}, 21655),
        ({"validity_period": "40000"}, 20001),
    ],
)
async def test_refusals(theatre: Theatre, client: Client, wanted: dict[str, str], code: int) -> None:
    with pytest.raises(TwilioException) as refused:
        await send(theatre, client, **wanted)
    assert refused.value.code == code
    assert await theatre.screen("sms", ANA) == []


async def test_a_wrong_token_and_an_unknown_message(theatre: Theatre, client: Client) -> None:
    access = theatre.stage.twilio
    wire = Wire(access.api_url)
    with pytest.raises(TwilioException) as refused:
        await send(theatre, Client(access.account_sid, "wrong", http_client=wire))
    assert (refused.value.status, refused.value.code) == (401, 20003)
    await wire.close()
    with pytest.raises(TwilioException) as refused:
        await client.messages("SM" + "0" * 32).fetch_async()
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_stop_blocks_until_start(theatre: Theatre, client: Client) -> None:
    await theatre.say("sms", ANA, "Cancel ")
    assert form_of(theatre, await theatre.knock("Body=Cancel"))["OptOutType"] == "STOP"
    said = await theatre.screen("sms", ANA)
    assert "unsubscribed" in said[-1]["text"]
    with pytest.raises(TwilioException) as refused:
        await send(theatre, client)
    assert refused.value.code == 21610
    await theatre.say("sms", ANA, "YES")
    assert form_of(theatre, await theatre.knock("Body=YES"))["OptOutType"] == "START"
    assert await send(theatre, client)
    await theatre.say("sms", ANA, "yes")
    assert "OptOutType" not in form_of(theatre, await theatre.knock("Body=yes"))


async def test_the_list_finds_by_number_and_turns_pages(theatre: Theatre, client: Client) -> None:
    for number in range(5):
        await send(theatre, client, body=f"text {number}")
    await send(theatre, client, to="+34600999888")
    found = await client.messages.list_async(to=ANA, page_size=2)
    assert [one.body for one in found] == [f"text {number}" for number in (4, 3, 2, 1, 0)]
    assert len(await client.messages.list_async(limit=3, page_size=2)) == 3


QUICK = {
    "twilio/quick-reply": {
        "body": "Shall I book it?",
        "actions": [{"type": "QUICK_REPLY", "title": title, "id": f"b1:{title}"} for title in ("Yes", "No")],
    }
}


async def content(client: Client, types: dict) -> str:
    request = ContentList.ContentCreateRequest({"friendly_name": "test", "language": "en", "types": types})
    return (await client.content.v1.contents.create_async(request)).sid


async def whatsapp(theatre: Theatre, client: Client, **more: str) -> object:
    callback = f"{theatre.base}/webhooks/whatsapp/status?key=k"
    sender = f"whatsapp:{theatre.stage.twilio.whatsapp_number}"
    return await client.messages.create_async(from_=sender, to=f"whatsapp:{ANA}", status_callback=callback, **more)


async def test_quick_replies_are_tapped_and_reading_is_told(theatre: Theatre, client: Client) -> None:
    await theatre.say("whatsapp", ANA, "Hi")
    form = form_of(theatre, await theatre.knock("Body=Hi"))
    assert (form["From"], form["WaId"], form["ProfileName"]) == (f"whatsapp:{ANA}", ANA[1:], "Sam")
    sent = await whatsapp(theatre, client, content_sid=await content(client, QUICK))
    shown = (await theatre.screen("whatsapp", ANA))[-1]
    assert shown["choices"] == [{"id": "b1:Yes", "label": "Yes"}, {"id": "b1:No", "label": "No"}]
    path = f"/sandbox/phones/whatsapp/{ANA}"
    tapped = await theatre.http.post(f"{path}/tap", json={"message": shown["n"], "choice": "b1:Yes"})
    assert tapped.is_success
    form = form_of(theatre, await theatre.knock("ButtonPayload"))
    assert (form["ButtonPayload"], form["ButtonText"], form["Body"]) == ("b1:Yes", "Yes", "Yes")
    assert form["OriginalRepliedMessageSid"] == sent.sid
    assert (await theatre.http.post(f"{path}/seen", json={"n": shown["n"]})).is_success
    assert form_of(theatre, await theatre.knock("MessageStatus=read"))["MessageSid"] == sent.sid


async def test_a_list_is_picked_from(theatre: Theatre, client: Client) -> None:
    await theatre.say("whatsapp", ANA, "Hi")
    items = [{"item": f"Slot {n}", "id": f"b1:{n}", "description": str(n)} for n in range(1, 6)]
    types = {"twilio/list-picker": {"body": "When?", "button": "Times", "items": items}}
    await whatsapp(theatre, client, content_sid=await content(client, types))
    shown = (await theatre.screen("whatsapp", ANA))[-1]
    await theatre.http.post(f"/sandbox/phones/whatsapp/{ANA}/tap", json={"message": shown["n"], "choice": "b1:3"})
    form = form_of(theatre, await theatre.knock("ListId"))
    assert (form["ListId"], form["ListTitle"]) == ("b1:3", "Slot 3")


async def test_after_24_hours_words_fail_and_a_template_arrives(theatre: Theatre, client: Client) -> None:
    await theatre.say("whatsapp", ANA, "Hi")
    await theatre.http.post("/sandbox/clock", json={"advance": "PT24H"})
    late = await whatsapp(theatre, client, body="Your appointment is tomorrow")
    form = form_of(theatre, await theatre.knock("MessageStatus=failed"))
    assert (form["MessageSid"], form["ErrorCode"]) == (late.sid, "63016")
    assert len(await theatre.screen("whatsapp", ANA)) == 1
    sid = await content(client, QUICK)
    await whatsapp(theatre, client, content_sid=sid)
    await theatre.knock("MessageStatus=failed", nth=1)
    assert len(await theatre.screen("whatsapp", ANA)) == 1
    await submitted(client, sid)
    await whatsapp(theatre, client, content_sid=sid)
    assert len(await theatre.screen("whatsapp", ANA)) == 2


async def submitted(client: Client, sid: str, name: str = "a_template") -> dict[str, str]:
    """Submit a content for approval and return what was decided."""
    asked = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": "UTILITY"})
    answer = await client.content.v1.contents(sid).approval_create.create_async(asked)
    assert answer.status == "received"
    return (await client.content.v1.contents(sid).approval_fetch().fetch_async()).whatsapp


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("Hello {{1}}, see you", "approved"),
        ("{{1}}, see you", "rejected"),
        ("See you, {{1}}", "rejected"),
        ("Hello {{1}} {{2}}, see you", "rejected"),
        ("Hello {{3}}, see you", "rejected"),
    ],
)
async def test_meta_approves_what_keeps_its_rules(theatre: Theatre, client: Client, body: str, status: str) -> None:
    request = ContentList.ContentCreateRequest(
        {"language": "en", "variables": {"1": "Ana", "2": "Bo"}, "types": {"twilio/text": {"body": body}}}
    )
    sid = (await client.content.v1.contents.create_async(request)).sid
    told = await submitted(client, sid)
    assert (told["status"], bool(told["rejection_reason"])) == (status, status == "rejected")


async def test_a_template_has_a_plain_name(theatre: Theatre, client: Client) -> None:
    with pytest.raises(TwilioException):
        await submitted(client, await content(client, QUICK), name="Our Template")


async def test_a_landline_fails_by_callback(theatre: Theatre, client: Client) -> None:
    await theatre.http.post(f"/sandbox/phones/sms/{ANA}/trouble", json={"code": 30006, "times": 1})
    ours = theatre.stage.twilio.sms_number
    callback = f"{theatre.base}/webhooks/sms/status"
    for text in ("one", "two"):
        await client.messages.create_async(to=ANA, from_=ours, body=text, status_callback=callback)
    assert form_of(theatre, await theatre.knock("MessageStatus=failed"))["ErrorCode"] == "30006"
    assert [one["text"] for one in await theatre.screen("sms", ANA)] == ["two"]


async def test_whatsapp_takes_an_id_that_is_no_number(theatre: Theatre, client: Client) -> None:
    scoped = "US.abc123DEF"
    await theatre.say("whatsapp", scoped, "Hi")
    assert form_of(theatre, await theatre.knock("Body=Hi"))["From"] == f"whatsapp:{scoped}"
    ours = theatre.stage.twilio.whatsapp_number
    await client.messages.create_async(to=f"whatsapp:{scoped}", from_=f"whatsapp:{ours}", body="Hello")
    assert (await theatre.screen("whatsapp", scoped))[-1]["text"] == "Hello"


@pytest.mark.parametrize(
    "types",
    [
        {"twilio/quick-reply": {"body": "x" * 1025, "actions": QUICK["twilio/quick-reply"]["actions"]}},
        {"twilio/quick-reply": {"body": "x", "actions": [{"title": "t" * 21, "id": "1"}]}},
        {"twilio/quick-reply": {"body": "x", "actions": [{"title": f"t{n}", "id": f"{n}"} for n in range(4)]}},
        {"twilio/list-picker": {"body": "x", "button": "b", "items": []}},
        {"twilio/list-picker": {"body": "x", "button": "b", "items": [{"item": "i", "id": "1"}]}},
    ],
)
async def test_contents_beyond_whatsapps_limits_are_refused(theatre: Theatre, client: Client, types: dict) -> None:
    with pytest.raises(TwilioException) as refused:
        await content(client, types)
    assert refused.value.code == 63021


async def test_variables_are_filled_and_counted(theatre: Theatre, client: Client) -> None:
    await theatre.say("whatsapp", ANA, "Hi")
    sid = await content(client, {"twilio/text": {"body": "Hello {{1}}, see you"}})
    await whatsapp(theatre, client, content_sid=sid, content_variables='{"1": "Ana"}')
    assert (await theatre.screen("whatsapp", ANA))[-1]["text"] == "Hello Ana, see you"
    await whatsapp(theatre, client, content_sid=sid)
    assert form_of(theatre, await theatre.knock("MessageStatus=failed"))["ErrorCode"] == "63028"
    with pytest.raises(TwilioException) as refused:
        await whatsapp(theatre, client, content_sid=sid, content_variables="nonsense")
    assert refused.value.code == 21656


async def test_a_messaging_service_chooses_our_number(theatre: Theatre, client: Client) -> None:
    sent = await client.messages.create_async(messaging_service_sid=service_sid(theatre.stage), to=ANA, body="Hello")
    assert sent.from_ == theatre.stage.twilio.sms_number


async def test_a_webhook_is_sent_again_until_it_is_taken_and_survives_a_restart(
    database: Database, database_url: str
) -> None:
    settings = settings_for(database_url)
    async with open_theatre(database, settings) as theatre:
        theatre.answers = [500, 503] + [500] * 1000
        await theatre.say("sms", ANA, "first")
        await theatre.say("sms", ANA, "second")
        await theatre.knock("Body=first", nth=1)
        assert not [one for one in theatre.knocks if b"second" in one.body]
    async with open_theatre(database, settings) as theatre:
        await theatre.knock("Body=second")
        order = [dict(parse_qsl(one.body.decode()))["Body"] for one in theatre.knocks]
        assert order == ["first", "second"]
        assert [one["text"] for one in await theatre.screen("sms", ANA)] == ["first", "second"]


async def test_dates_are_written_as_twilio_writes_them(theatre: Theatre) -> None:
    access = theatre.stage.twilio
    answer = await theatre.http.post(
        f"/sandbox/twilio/2010-04-01/Accounts/{access.account_sid}/Messages.json",
        data={"To": ANA, "From": access.sms_number, "Body": "é"},
        auth=(access.account_sid, access.auth_token),
    )
    assert answer.status_code == 201
    assert parsedate_to_datetime(answer.json()["date_created"])
