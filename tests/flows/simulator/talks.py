"""One talk from its first word to its judgement by the database."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import httpx

from tests.flows.simulator.customer import Customer, End, Kept, Pay, Say, Stuck, Tap, Wait
from tests.flows.simulator.persons import Person
from tests.flows.simulator.plans import draw_plan
from tests.flows.simulator.shops import Shop
from tests.flows.simulator.threads import Silent, Thread
from tests.flows.simulator.wordings import Wordings
from tests.flows.world import ZONE, World


@dataclass
class Talk:
    """What came of a talk: `wrong` bookings, a `dead_end`, or things that were not served."""

    number: int
    language: str
    person: str
    agenda: str
    wrong: list[str] = field(default_factory=list)
    dead_end: str | None = None
    complaints: list[str] = field(default_factory=list)
    transcript: str = ""
    turns: int = 0
    answer_times: list[float] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return not (self.wrong or self.dead_end or self.complaints)


async def hold_talk(
    world: World, http: httpx.AsyncClient, shop: Shop, number: int, words: Wordings, person: Person, now: datetime,
    seed: str,
) -> Talk:  # fmt: skip
    """Play one customer in a shop that nobody else is in."""
    rng = Random(seed)
    async with shop.door:
        plan = await draw_plan(rng, person, words, shop, now)
        customer = Customer(plan, person, words, rng, shop.surroundings(now.date()))
        thread = await Thread.begin(http, shop.slug, words.locale)
        talk = Talk(number, words.language, person.name, " ".join(one.kind for one in plan.errands))
        try:
            await _converse(customer, thread, http)
        except Stuck as stuck:
            talk.dead_end = str(stuck)
        except Silent:
            talk.dead_end = "no reply came"
        talk.answer_times = thread.answer_times
        talk.turns = len(thread.answer_times)
        talk.complaints = customer.complaints
        await _settle(world, thread)
        talk.wrong = await _judge(world, thread, customer, ended=talk.dead_end is None)
        if not talk.succeeded:
            talk.transcript = _wanted(customer) + await _transcript(world, thread)
    return talk


async def _converse(customer: Customer, thread: Thread, http: httpx.AsyncClient) -> None:
    move = customer.begin()
    while True:
        match move:
            case End():
                return
            case Say(text):
                await thread.say(text)
            case Tap(choice):
                await thread.tap(choice["id"])
            case Pay(url):
                session = url.rstrip("/").rsplit("/", 1)[1].split("?")[0]
                (await http.post(f"/sandbox/stripe/checkout/{session}/pay")).raise_for_status()
            case Wait():
                pass
        move = customer.react(await thread.hear())


async def _settle(world: World, thread: Thread) -> None:
    """Wait until everything that was said is answered: then the database says what came of it."""
    for _ in range(100):
        waiting = await world.rows(
            "SELECT 1 FROM message m JOIN conversation c ON c.id = m.conversation_id"
            " WHERE c.address = %s AND m.status = 'received'",
            thread.address,
        )
        if not waiting:
            return
        await asyncio.sleep(0.05)


async def _judge(world: World, thread: Thread, customer: Customer, *, ended: bool) -> list[str]:
    """Compare what the customer should have with what is booked."""
    rows = await world.rows(
        "SELECT b.state, s.name, f.name, b.starts, b.party, k.name FROM booking b"
        " JOIN service s ON s.business_id = b.business_id AND s.id = b.service_id"
        " JOIN staff f ON f.business_id = b.business_id AND f.id = b.staff_id"
        " JOIN customer k ON k.business_id = b.business_id AND k.id = b.customer_id"
        " JOIN conversation c ON c.id = b.conversation_id"
        " WHERE c.address = %s AND b.state IN ('held', 'pending_approval', 'confirmed') ORDER BY b.starts",
        thread.address,
    )
    left, wrong = list(customer.kept), []
    for state, service, staff, starts, party, name in rows:
        start = starts.astimezone(ZONE).replace(tzinfo=None)
        mine = next((kept for kept in left if _is(kept, service, staff, start)), None)
        if mine is None:
            if ended or state == "confirmed":
                wrong.append(f"{state}: {service} with {staff}, {start:%a %d %b %H:%M}")
            continue
        left.remove(mine)
        if party != 1:
            wrong.append(f"for {party} people")
        if name.casefold() != mine.visit.name.casefold():
            wrong.append(f"under the name {name} instead of {mine.visit.name}")
    return wrong + [f"not booked: {kept.visit.service} {kept.start}" for kept in left]


def _is(kept: Kept, service: str, staff: str, start: datetime) -> bool:
    return (
        service == kept.visit.service
        and kept.visit.staff in {None, staff}
        and start == kept.start
        and any(wish.fits(start) for wish in kept.accepted)
    )


def _wanted(customer: Customer) -> str:
    lines = []
    for errand in customer.plan.errands:
        visit = errand.visit
        about = "" if visit is None else f"{visit.service}, {visit.staff or 'anybody'}, {visit.name}"
        wishes = [] if visit is None else [wish.to_json() for wish in visit.wishes]
        lines.append(f"wants to {errand.kind}: {about} {wishes} changes {errand.changes} asks {errand.questions}\n")
    return "".join(lines)


async def _transcript(world: World, thread: Thread) -> str:
    rows = await world.rows(
        "SELECT m.sender, m.text, m.act, m.understood, m.choices FROM message m"
        " JOIN conversation c ON c.id = m.conversation_id WHERE c.address = %s ORDER BY m.seq",
        thread.address,
    )
    lines: list[str] = []
    for sender, text, act, understood, choices in rows:
        shown = f"   <{' | '.join(one['label'] for one in choices)}>" if choices else ""
        lines.append(f"{sender:>9} {f'[{act}] ' if act else ''}{text}{shown}")
        if understood:
            lines.append(f"{'':>9}   {_brief(understood)}")
    return "\n".join(lines)


def _brief(understood: dict[str, Any]) -> str:
    found = [(one["entity"], one["text"]) for one in understood.get("entities") or []]
    when = [(one["start"], one["end"], one["grain"]) for one in (understood.get("when") or {}).get("choices") or []]
    intents = "+".join([understood.get("intent") or "", *(understood.get("also") or [])])
    rest = [understood.get("confidence", ""), understood.get("language") or "", found, when, understood.get("do") or ""]
    return " ".join(["=", intents, *(str(one) for one in rest)])
