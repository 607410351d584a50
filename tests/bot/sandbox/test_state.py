"""The clock, what phones refuse, forms, and state that outlives the web process."""

import asyncio

import pytest
import stripe

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Business
from bot.sandbox.forms import Unreadable, unbracketed
from bot.settings import Settings
from channels.models import ChannelAccount
from tests.bot.sandbox.theatre import Theatre, open_theatre, settings_for


async def test_the_clock_moves_forward_only(theatre: Theatre) -> None:
    before = (await theatre.http.get("/sandbox/clock")).json()
    after = (await theatre.http.post("/sandbox/clock", json={"advance": "P1DT2H"})).json()
    assert after["now"] > before["now"]
    assert before["next_reminder"] is None
    for wrong in ("-PT1H", "yesterday", "3600", 3600, "P2Y", None):
        answer = await theatre.http.post("/sandbox/clock", json={"advance": wrong})
        assert answer.status_code == 422, wrong


@pytest.mark.parametrize(
    ("channel", "address", "status"),
    [
        ("sms", "+34600111222", 202),
        ("sms", "34600111222", 422),
        ("whatsapp", "700100200", 422),
        ("telegram", "+34600111222", 422),
        ("pigeon", "+34600111222", 422),
    ],
)
async def test_who_has_a_phone(theatre: Theatre, channel: str, address: str, status: int) -> None:
    assert (await theatre.say(channel, address, "Hi")).status_code == status


async def test_a_tap_needs_its_message_on_its_own_phone(theatre: Theatre) -> None:
    await theatre.say("telegram", "700100200", "Hi")
    for message in (1, 10**12):
        answer = await theatre.http.post(
            "/sandbox/phones/telegram/700100201/tap", json={"message": message, "choice": "b1:x"}
        )
        assert answer.status_code == 404
    answer = await theatre.http.post("/sandbox/phones/telegram/700100200/tap", json={"message": 1, "choice": "b1:x"})
    assert answer.status_code == 404


async def test_nothing_is_said_empty(theatre: Theatre) -> None:
    assert (await theatre.say("sms", "+34600111222", "")).status_code == 422


async def test_messages_and_pages_outlive_the_process(database: Database, database_url: str) -> None:
    settings = settings_for(database_url)
    async with open_theatre(database, settings) as theatre:
        await theatre.say("telegram", "700100200", "Hi")
        made = await _session(theatre)
    async with open_theatre(database, settings) as theatre:
        assert [one["text"] for one in await theatre.screen("telegram", "700100200")] == ["Hi"]
        assert (await theatre.http.post(f"/sandbox/stripe/checkout/{made}/pay")).json()["payment_status"] == "paid"
        await theatre.knock("checkout.session.completed")


async def _session(theatre: Theatre) -> str:
    access = theatre.stage.stripe
    http = stripe.HTTPXClient()
    client = stripe.StripeClient(access.secret_key, base_addresses={"api": access.api_url}, http_client=http)
    price = {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "x"}}
    made = await client.v1.checkout.sessions.create_async(
        {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": "http://127.0.0.1/",
        }
    )
    await http.close_async()
    return made.id


def test_one_live_credential_closes_the_sandbox(database_url: str) -> None:
    values = {"database_url": database_url, "redis_url": "redis://127.0.0.1:1/0", "secret_key": "tests" * 10}
    assert Settings(_env_file=None, **values).sandbox
    live = Settings(_env_file=None, **values, telegram_token="1:x", telegram_secret="y")
    assert not live.sandbox


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("a[b]", "1"), ("a[c][d]", "2")], {"a": {"b": "1", "c": {"d": "2"}}}),
        ([("a[0][b]", "1"), ("a[1][b]", "2")], {"a": [{"b": "1"}, {"b": "2"}]}),
        ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
    ],
)
def test_brackets(pairs: list[tuple[str, str]], told: dict) -> None:
    assert unbracketed(pairs) == told


@pytest.mark.parametrize("pairs", [[("a", "1"), ("a[b]", "2")], [("[]" * 20, "1")], [("", "1")]])
def test_brackets_that_mean_nothing(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        unbracketed(pairs)


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("stripe/v1/checkout/sessions", "payment_intent_data=x&mode=payment"),
        ("stripe/v1/checkout/sessions", "success_url[a]=x&mode=payment&line_items=x"),
        ("stripe/v1/checkout/sessions", "mode=payment&success_url=http://a/&line_items[0][price_data][currency][a]=1"),
        ("stripe/v1/checkout/sessions", "a=1&a[b]=2"),
        ("stripe/v1/refunds", "payment_intent[a]=1"),
        ("stripe/v1/refunds", "charge=%00"),
        ("stripe/v1/refunds", b"\xff"),
        ("telegram/bot{token}/sendMessage", "chat_id=%00&text=x"),
        ("telegram/bot{token}/getUpdates", "offset=soon"),
        ("telegram/bot{token}/editMessageText", "chat_id=1&text=x&message_id=99999999999999999999"),
        ("telegram/bot{token}/setWebhook", "url=http://a/&allowed_updates=nonsense"),
        ("telegram/bot{token}/sendMessage", b"\xff"),
        ("twilio/2010-04-01/Accounts/{sid}/Messages.json", b"\xff"),
        ("twilio/2010-04-01/Accounts/{sid}/Messages.json", "To=%2B34600111222&From=%00&Body=%00"),
        ("twilio/v1/Content", "nonsense"),
        ("twilio/v1/Content", '{"language": "en", "types": {"twilio/quick-reply": {"body": "x", "actions": [1]}}}'),
        ("twilio/v1/Content", '{"language": "en", "types": {"twilio/text": 3}}'),
    ],
)
async def test_nonsense_is_refused_as_the_vendor_would(theatre: Theatre, door: str, body: str | bytes) -> None:
    twilio, form = theatre.stage.twilio, {"Content-Type": "application/x-www-form-urlencoded"}
    path = door.format(token=theatre.stage.telegram.token, sid=twilio.account_sid)
    auth = (twilio.account_sid, twilio.auth_token) if "twilio" in door else (theatre.stage.stripe.secret_key, "")
    if "telegram" in door:
        await theatre.http.post(f"/sandbox/telegram/bot{theatre.stage.telegram.token}/deleteWebhook")
    answer = await theatre.http.post(f"/sandbox/{path}", content=body, headers=form, auth=auth)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()


async def test_a_text_keeps_its_characters_but_for_nul(theatre: Theatre) -> None:
    await theatre.say("sms", "+34600111222", "a\0b 👋 ñ\n'\"%")
    assert [one["text"] for one in await theatre.screen("sms", "+34600111222")] == ["ab 👋 ñ\n'\"%"]


async def test_nobodys_webhook_waits_for_anothers_answer_but_in_its_own_lane(theatre: Theatre) -> None:
    theatre.opens[b"slow"] = asyncio.Event()
    await theatre.say("telegram", "700100200", "slow")
    await theatre.knock("slow")
    await theatre.say("telegram", "700100200", "the next of hers")
    for number in range(30):
        await theatre.say("telegram", f"7001003{number:02}", f"another {number}")
    # More than are sent at the same time, while one of them is not answered.
    for number in range(30):
        await theatre.knock(f"another {number}")
    assert not [one for one in theatre.knocks if b"the next of hers" in one.body]
    theatre.opens.pop(b"slow").set()
    await theatre.knock("the next of hers")


async def test_the_phones_show_the_business_that_has_the_numbers(theatre: Theatre, database: Database) -> None:
    number = theatre.stage.twilio.sms_number
    async with database.transaction() as session:
        for name, tz in (("Aardvark Baths", "America/Mexico_City"), ("Marigold Studio", "Europe/Madrid")):
            shop = Business(
                id=new_id(), slug=name.split()[0].lower(), name=name, timezone=tz, currency="EUR", default_locale="en"
            )
            session.add(shop)
        await session.flush()
        session.add(ChannelAccount(business_id=shop.id, channel="sms", address=number))
    page = (await theatre.http.get("/sandbox")).text
    assert 'data-zone="Europe/Madrid" data-business="Marigold Studio"' in page
    assert "/chat/marigold" in page
    assert "Aardvark" not in page
