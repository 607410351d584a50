"""SIGKILL to web or worker at random moments of a booking: one booking, one payment, each reply once."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from booking_core.kit.db import Database, libpq_url
from bot.sample import seed_business
from tests.flows.births import nursery
from tests.flows.world import set_clock, settings_for

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(900)]

#: How many kills; the release check runs 50 (THREADBOOK_KILLS=50).
KILLS = int(os.environ.get("THREADBOOK_KILLS", "10"))
SEED = int(os.environ.get("THREADBOOK_SEED", "20261123"))


class Stubborn:
    """A customer's phone whose network drops whenever the web process is killed."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self.http, self.address, self.seen, self.said = http, address, 0, 0

    async def _try(self, method: str, path: str, **request: Any) -> httpx.Response:
        for _ in range(400):
            try:
                answer = await self.http.request(method, path, **request)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code < 500:
                return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"{path} never answered")

    async def say(self, text: str) -> None:
        self.said += 1
        answer = await self._try(
            "POST",
            f"/sandbox/phones/sms/{self.address}/say",
            json={"text": text},
            headers={"Idempotency-Key": f"{self.address}:{self.said}"},
        )
        assert answer.is_success, answer.text

    async def hear(self) -> str:
        for _ in range(600):
            answer = await self._try("GET", f"/sandbox/phones/sms/{self.address}/messages?after={self.seen}")
            for message in answer.json()["messages"]:
                self.seen = max(self.seen, message["n"])
                if message.get("from") not in {"customer", "me"}:
                    return str(message["text"])
            await asyncio.sleep(0.1)
        raise AssertionError("no reply came within a minute")

    async def pay(self, text: str) -> None:
        session = text.split("/checkout/")[1].split()[0].rstrip(".").split("?")[0]
        answer = await self._try("POST", f"/sandbox/stripe/checkout/{session}/pay")
        # A repeated request finds the page paid.
        assert answer.status_code < 500


async def book(phone: Stubborn, day: str, hour: str) -> list[str]:
    heard = []
    for words in (f"a haircut with Ana on {day} at {hour}", "Maria Lopez", "yes"):
        await phone.say(words)
        heard.append(await phone.hear())
    await phone.pay(heard[-1])
    heard.append(await phone.hear())
    return heard


async def test_killed_at_any_moment(database_url: str, redis_url: str, model: Path) -> None:
    dice = random.Random(SEED)
    settings = settings_for(database_url, redis_url)
    await set_clock(database_url, "2027-03-02T09:00")
    database = Database(database_url)
    await seed_business(database, settings)
    await database.close()
    kills = Counter[str]()
    async with (
        nursery(settings, model) as born,
        httpx.AsyncClient(base_url=settings.base_url, timeout=10) as http,
    ):
        customer = 0
        slots = [(day, hour) for day in ("wednesday", "thursday", "friday") for hour in HOURS]
        while kills.total() < KILLS:
            phone = Stubborn(http, f"+34600{customer:06d}")
            booking = asyncio.create_task(book(phone, *slots[customer % len(slots)]))
            while not booking.done() and kills.total() < KILLS:
                await asyncio.sleep(dice.uniform(0.05, 1.5))
                if booking.done():
                    break
                victim = dice.choice(["web", "worker"])
                born.kill(victim)
                kills[victim] += 1
                born.birth(victim)
            heard = await booking
            assert "booked" in heard[-1], heard
            customer += 1
            assert customer < len(slots), "the studio is full before all kills are done"
        await asyncio.sleep(2)
    assert kills.total() == KILLS
    check(database_url, customer)


HOURS = ("10am", "10:30am", "11am", "11:30am", "12:00", "12:30pm", "2pm", "2:30pm", "3pm", "3:30pm", "4pm", "5pm")


def check(database_url: str, customers: int) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        rows = connection.execute("SELECT state, count(*) FROM booking GROUP BY state").fetchall()
        assert rows == [("confirmed", customers)]
        rows = connection.execute("SELECT state, count(*) FROM payment GROUP BY state").fetchall()
        assert rows == [("paid", customers)]
        rows = connection.execute("SELECT count(*) FROM message WHERE sender = 'customer' AND status <> 'answered'")
        assert rows.fetchone() == (0,)
        # On the customers' phones: four replies each, none twice.
        rows = connection.execute(
            "SELECT phone, count(*), count(DISTINCT text) FROM sandbox_message WHERE direction = 'out' GROUP BY phone"
        ).fetchall()
        assert len(rows) == customers
        assert {(count, distinct) for _, count, distinct in rows} == {(4, 4)}
