"""What Twilio posts to us, read; payloads have the fields that were captured from real webhooks."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from twilio.request_validator import RequestValidator

from channels.access import TwilioAccess
from channels.contract import DeliveryReported, Event, Ignored, IncomingMessage, Malformed
from channels.keys import make_key
from channels.twilio import Twilio
from tests.channels.test_twilio_signature import a_request

BASE, TOKEN = "https://chat.example.com", "0123456789abcdef"
ACCESS = TwilioAccess("AC" + "1" * 32, TOKEN, "+15005550006", "+15005550007", None, BASE)
SMS = Twilio.sms(ACCESS, quiet=timedelta(seconds=1.5))
WHATSAPP = Twilio.whatsapp(ACCESS, quiet=timedelta(seconds=1.5), list_button=lambda _: "Choose")
TEXT = {
    "ToCountry": "US",
    "MessageSid": "SM" + "a" * 32,
    "SmsSid": "SM" + "a" * 32,
    "SmsMessageSid": "SM" + "a" * 32,
    "AccountSid": ACCESS.account_sid,
    "From": "+34600111222",
    "To": "+15005550006",
    "Body": "Hi, can I get a haircut?",
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsStatus": "received",
    "ApiVersion": "2010-04-01",
    "FromCity": "",
}
BUTTON = {
    "MessageSid": "SM" + "b" * 32,
    "From": "whatsapp:+628111",
    "To": "whatsapp:+15005550007",
    "MessageType": "interactive",
    "Body": "Konfirmasi",
    "ButtonText": "Konfirmasi",
    "ButtonPayload": "b1:abc",
    "OriginalRepliedMessageSid": "MM" + "c" * 32,
    "OriginalRepliedMessageSender": "whatsapp:+15005550007",
    "WaId": "628111",
    "ProfileName": "Budi 🌺",
    "ExternalUserId": "whatsapp:ID.4566",
    "NumMedia": "0",
    "SomethingNew": "of next year",
}


async def read(channel: Twilio, form: dict[str, str], path: str | None = None) -> Event:
    url = BASE + (path or f"/webhooks/{channel.name}")
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    (event,) = await channel.read(a_request(url, urlencode(form), signature))
    return event


async def message(channel: Twilio, form: dict[str, str]) -> IncomingMessage:
    event = await read(channel, form)
    assert isinstance(event, IncomingMessage)
    return event


async def test_a_text_message() -> None:
    event = await message(SMS, TEXT)
    assert event == IncomingMessage(
        account="+15005550006",
        address="+34600111222",
        provider_id=event.provider_id,
        text="Hi, can I get a haircut?",
        attachments=[],
    )
    assert event.provider_id == TEXT["MessageSid"]


async def test_a_tapped_button() -> None:
    event = await message(WHATSAPP, BUTTON)
    assert (event.choice, event.text, event.in_reply_to) == ("b1:abc", "Konfirmasi", "MM" + "c" * 32)
    assert (event.address, event.display_name) == ("whatsapp:+628111", "Budi 🌺")


async def test_an_item_of_a_list() -> None:
    form = {**BUTTON, "ListId": "b1:list", "ListTitle": "Wed 25 Nov · 14:30", "Body": ""}
    for field in ("ButtonPayload", "ButtonText"):
        del form[field]
    event = await message(WHATSAPP, form)
    assert (event.choice, event.text) == ("b1:list", "Wed 25 Nov · 14:30")


@pytest.mark.parametrize("address", ["whatsapp:+1555", "whatsapp:US.ABC123xyz", "whatsapp:ID.4566", "ñ"])
async def test_an_address_is_opaque(address: str) -> None:
    assert (await message(WHATSAPP, {**BUTTON, "From": address})).address == address


@pytest.mark.parametrize(
    "change",
    [
        {"Body": ""},
        {"Body": "x" * 5000},
        {"Body": "a\x00b"},
        {"NumMedia": "many"},
        {"NumMedia": ""},
        {"ProfileName": ""},
    ],
)
async def test_odd_fields_are_taken_as_they_are(change: dict[str, str]) -> None:
    event = await message(SMS, {**TEXT, **change})
    assert event.text == change.get("Body", TEXT["Body"])


async def test_no_body_at_all() -> None:
    assert (await message(SMS, {key: value for key, value in TEXT.items() if key != "Body"})).text == ""


@pytest.mark.parametrize("field", ["MessageSid", "From", "To"])
@pytest.mark.parametrize("value", [None, "", "x" * 300])
async def test_without_who_or_which_it_is_malformed(field: str, value: str | None) -> None:
    form = {key: kept for key, kept in TEXT.items() if key != field} | ({field: value} if value is not None else {})
    with pytest.raises(Malformed) as caught:
        await read(SMS, form)
    assert TEXT["From"] not in str(caught.value)


async def test_media_and_places() -> None:
    voice = {**TEXT, "Body": "", "NumMedia": "2", "MediaUrl0": "https://a/1", "MediaContentType0": "audio/ogg"}
    event = await message(WHATSAPP, {**voice, "MediaUrl1": "https://a/2"})
    assert list(event.attachments) == [
        {"type": "audio/ogg", "url": "https://a/1"},
        {"type": "application/octet-stream", "url": "https://a/2"},
    ]
    place = await message(WHATSAPP, {**TEXT, "Latitude": "40.4", "Longitude": "-3.7", "Label": "Home"})
    assert list(place.attachments) == [{"type": "location", "latitude": "40.4", "longitude": "-3.7", "label": "Home"}]


@pytest.mark.parametrize(
    ("channel", "body", "told", "meant"),
    [
        (SMS, "STOP", None, "stop"),
        (SMS, " cancel ", None, "stop"),
        (SMS, "cancel my 3pm", None, None),
        (SMS, "stop please", None, None),
        (SMS, "YES", None, None),
        (SMS, "YES", "START", "start"),
        (SMS, "info", "HELP", "help"),
        (SMS, "baja", "STOP", "stop"),
        (SMS, "hello", "SOMETHING", None),
        (WHATSAPP, "cancel", None, None),
        (WHATSAPP, "stop", "STOP", "stop"),
    ],
)
async def test_what_the_platform_answers_itself(
    channel: Twilio, body: str, told: str | None, meant: str | None
) -> None:
    form = {**TEXT, "Body": body} | ({"OptOutType": told} if told else {})
    assert (await message(channel, form)).platform_opt == meant


KEY = make_key(UUID(int=1), UUID(int=2))


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("queued", "sent"),
        ("accepted", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "failed"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
async def test_a_status_callback(status: str, kept: str) -> None:
    form = {"MessageSid": "SM9", "MessageStatus": status, "From": "+15005550006", "To": "+34600111222"}
    event = await read(SMS, form, f"/webhooks/sms/status?key={KEY}")
    assert event == DeliveryReported("SM9", kept, account="+15005550006", key=KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["x", "a\x00b", "9" * 5000, "-1"])
async def test_what_is_no_error_code_is_not_kept(code: str) -> None:
    event = await read(SMS, {"MessageSid": "SM9", "MessageStatus": "undelivered", "ErrorCode": code})
    assert isinstance(event, DeliveryReported)
    assert (event.error, event.opted_out) == ("twilio_unknown", False)


@pytest.mark.parametrize(("code", "opted_out"), [("21610", True), ("30006", False), ("99999", False)])
async def test_a_status_callback_with_an_error(code: str, opted_out: bool) -> None:
    form = {"MessageSid": "SM9", "MessageStatus": "undelivered", "ErrorCode": code}
    event = await read(SMS, form)
    assert isinstance(event, DeliveryReported)
    assert (event.error, event.opted_out, event.key) == (f"twilio_{code}", opted_out, None)


async def test_a_status_of_next_year_is_ignored() -> None:
    assert isinstance(await read(SMS, {"MessageSid": "SM9", "MessageStatus": "teleported"}), Ignored)
