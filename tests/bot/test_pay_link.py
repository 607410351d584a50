"""A short way to the payment page: text messages have no room for Stripe's own addresses."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from booking_core.kit.db import Database
from bot import pay_link
from bot.actions.cards import payment_address
from bot.words import Words
from channels.segments import gsm_friendly, sms_size
from payment_links.models import Payment
from tests.payment_links.builders import NOW, a_hold

#: As long as Stripe's: the key of the session, and what its page is to show, after a #.
LONG = "https://checkout.stripe.com/c/pay/cs_live_" + "a1B2" * 15 + "#" + "fidkdWxOYHwnPyd1" * 16


def turn(channel: str) -> Any:
    return SimpleNamespace(conversation=SimpleNamespace(channel=channel), base_url="https://salon.example.org")


@pytest.mark.parametrize("language", Words().languages)
def test_a_text_message_with_a_long_address_is_two_segments(language: str) -> None:
    there = payment_address(turn("sms"), SimpleNamespace(ics_token="x" * 32), LONG)
    for key in ("payment.link", "paid.not_yet"):
        text = Words().text(language, key, amount="€1,128.00", until="15:45", url=there)
        assert sms_size(gsm_friendly(text)).segments <= 2, text


def test_elsewhere_and_where_it_is_short_the_address_is_the_pages_own() -> None:
    booking = SimpleNamespace(ics_token="x" * 32)
    assert payment_address(turn("whatsapp"), booking, LONG) == LONG
    assert payment_address(turn("sms"), booking, "https://pay.example.org/1") == "https://pay.example.org/1"
    assert payment_address(turn("sms"), booking, None) is None


async def follow(db: Database, token: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(pay_link.router_for(SimpleNamespace(db=db)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as browser:
        return await browser.get(f"/pay/to/{token}")


@pytest.mark.parametrize(
    ("state", "paid", "there"),
    [
        ("open", False, LONG),
        ("paid", True, "/pay/thanks?locale=es-ES"),
        ("closed", False, "/pay/expired?locale=es-ES"),
        ("requested", False, "/pay/expired?locale=es-ES"),
    ],
)
async def test_it_leads_to_what_the_booking_asks_for(database: Database, state: str, paid: bool, there: str) -> None:
    async with database.transaction() as session:
        booking = await a_hold(session)
        session.add(
            Payment(
                business_id=booking.business_id, booking_id=booking.id, booking_version=1, amount=2000, currency="EUR",
                state=state, title="x", locale="es-ES", refund=0, url=None if state == "requested" else LONG,
                expires_at=NOW + timedelta(minutes=15), created_at=NOW, paid_at=datetime.now(UTC) if paid else None,
            )
        )  # fmt: skip
    answer = await follow(database, booking.ics_token)
    assert (answer.status_code, answer.headers["location"]) == (303, there)
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_nobodys_token_leads_nowhere(database: Database) -> None:
    async with database.transaction() as session:
        booking = await a_hold(session)
    assert (await follow(database, booking.ics_token + "x")).status_code == 404
    assert (await follow(database, "%00")).status_code == 404
    # A booking that never asked for money.
    assert (await follow(database, booking.ics_token)).headers["location"].startswith("/pay/expired")
