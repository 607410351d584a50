"""Customers who book, pay and move it, whatever breaks meanwhile: they wait, and their network tries again."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import psycopg

from booking_core.kit.db import libpq_url

#: Seconds after which somebody gives up: most of them because a reply is lost for good, and a person was told.
PATIENCE = 60.0
CHANNELS = ("sms", "whatsapp", "telegram")
HOURS = ("11:00", "11:30", "12:00", "12:30", "13:00", "15:30", "16:00", "17:30")
STAFF = ("Ana", "Bruno", "Carla")
#: Replies that only ask for patience, or tell; nothing is to be said to them.
_TELLS = frozenset({"info", "reminder", "waitlisted"})
_HEARD = """
SELECT s.n, s.channel, s.phone, s.text, s.choices, m.act FROM sandbox_message s
JOIN message m ON m.channel = s.channel AND m.sender <> 'customer'
    AND (m.provider_id IN (s.vendor_id, s.phone || ':' || s.vendor_id)
        OR m.status = 'unsure' AND m.text = s.text AND m.conversation_id IN
            (SELECT c.id FROM conversation c WHERE c.channel = s.channel AND c.address = s.phone))
WHERE s.direction = 'out' AND s.n > %s AND s.n <> ALL (%s) ORDER BY s.n
"""


@dataclass(frozen=True)
class Heard:
    """What came to a phone."""

    n: int
    text: str
    choices: list[dict[str, Any]]
    act: str


@dataclass
class Ears:
    """Looks at all phones at once, and gives each customer what came to theirs."""

    url: str
    queues: dict[tuple[str, str], "asyncio.Queue[Heard]"] = field(default_factory=lambda: defaultdict(asyncio.Queue))
    seen: set[int] = field(default_factory=set)

    async def listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                await asyncio.to_thread(self._look)
            await asyncio.sleep(0.25)

    def _look(self) -> None:
        with psycopg.connect(libpq_url(self.url), autocommit=True, connect_timeout=5) as connection:
            # A reply whose record comes late has a smaller number than others that were heard.
            lowest = max(self.seen, default=0) - 3000
            known = [n for n in self.seen if n > lowest]
            for n, channel, phone, text, choices, act in connection.execute(_HEARD, [lowest, known]).fetchall():
                self.seen.add(n)
                self.queues[channel, phone].put_nowait(Heard(n, text, choices, act or ""))


@dataclass
class Customer:
    """One conversation; `reached` tells how far it came."""

    http: httpx.AsyncClient
    ears: Ears
    number: int
    dice: Random
    reached: str = "nothing"
    said: int = 0
    moved: bool = False

    def __post_init__(self) -> None:
        self.channel = CHANNELS[self.number % len(CHANNELS)]
        self.phone = f"7{self.number:08d}" if self.channel == "telegram" else f"+346{self.number:08d}"
        self.staff = STAFF[self.number // 3 % len(STAFF)]

    def when(self) -> str:
        # Everybody is wished for by several: some find their time taken.
        day = self.dice.choice(range(4, 31))
        return f"{day} March at {self.dice.choice(HOURS)}"

    async def live(self) -> None:
        await self.say(f"a haircut with {self.staff} on {self.when()}")
        for _ in range(24):
            try:
                heard = await asyncio.wait_for(self.ears.queues[self.channel, self.phone].get(), PATIENCE)
            except TimeoutError:
                self.reached += ", and heard no more"
                return
            if await self.answer(heard):
                return
        self.reached += ", and talked for ever"

    async def answer(self, heard: Heard) -> bool:
        """Answer a reply; True: that was all."""
        self.reached = heard.act
        match heard.act:
            case "ask_name":
                await self.say(self.dice.choice(("Maria Lopez", "Tom Reed", "Ines Costa")))
            case "confirm":
                await self.choose(heard, "yes")
            case "payment_link":
                await self.pay(heard.text)
            case "booked" if self.moved:
                return True
            case "booked":
                self.moved = True
                await self.say(f"can I move it to {self.when()}?")
            case "rescheduled":
                return True
            case "handoff" | "opted_out":
                return True
            case act if act in _TELLS:
                return False
            case "offer_slots" | "ask_staff" | "ask_service" | "ask_people":
                await self.choose(heard, "1")
            case _:
                await self.say(self.when())
        return False

    async def choose(self, heard: Heard, words: str) -> None:
        if not heard.choices:
            await self.say(words)
            return
        self.said += 1
        body = {"message": heard.n, "choice": heard.choices[0]["id"]}
        await self._try("POST", f"{self._phone}/tap", json=body, headers=self._once())

    async def say(self, text: str) -> None:
        self.said += 1
        await self._try("POST", f"{self._phone}/say", json={"text": text}, headers=self._once())

    async def pay(self, text: str) -> None:
        session = text.split("/checkout/")[1].split()[0].rstrip(".").split("?")[0]
        status = await self._try("POST", f"/sandbox/stripe/checkout/{session}/pay")
        self.reached += "" if status < 400 else f" ({status})"

    @property
    def _phone(self) -> str:
        return f"/sandbox/phones/{self.channel}/{self.phone}"

    def _once(self) -> dict[str, str]:
        return {"Idempotency-Key": f"{self.phone}:{self.said}"}

    async def _try(self, method: str, path: str, **request: Any) -> int:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.request(method, path, **request)
                # "Too many requests" on a payment page is pressed again, too.
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer.status_code
            await asyncio.sleep(0.3)


async def talk(
    vendors: str, ears: Ears, count: int, at_once: int, seconds: float, seed: int, all_begun: asyncio.Event
) -> list[Customer]:
    """Hold conversations until the time is over: those that have begun are told to the end, within reason.

    `all_begun` is set with the last of them.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    met: list[Customer] = []
    numbers: Iterator[int] = iter(range(count))
    # The vendors' faults are for their clients; what customers do with their phones goes past them.
    async with httpx.AsyncClient(base_url=vendors, timeout=15, limits=httpx.Limits(max_connections=at_once)) as http:

        async def one_after_the_other() -> None:
            for number in numbers:
                if loop.time() >= until:
                    return
                met.append(customer := Customer(http, ears, number, Random(f"{seed}:{number}")))
                if len(met) == count:
                    all_begun.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(customer.live(), max(60.0, until + 60 - loop.time()))

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return met


def told(met: list[Customer]) -> Counter[str]:
    return Counter(customer.reached for customer in met)
