"""The clock, what phones refuse, forms, and state that outlives the web process."""

import pytest
import stripe

from booking_core.kit.db import Database
from bot.sandbox.forms import Unreadable, unbracketed
from bot.settings import Settings
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
