"""One run: chaos for a while, then peace until everything is drained, then the checks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from booking_core.kit.db import libpq_url
from tests.flows.chaos.checks import log_of, told_in_log, violations
from tests.flows.chaos.customers import Ears, talk, told
from tests.flows.chaos.house import FAULTS, House, open_house

#: So many of the replies may be unsure.
UNSURE = 0.001
#: Seconds of peace in which everything must be drained.
PEACE = 240.0
#: Work that is under way, of every kind; what is scheduled for later than this waits for its time.
_UNDER_WAY = """
SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
        AND (scheduled_at IS NULL OR scheduled_at < now() + interval '10 minutes'))
     + (SELECT count(*) FROM message WHERE status IN ('received', 'sending')
        OR status = 'queued' AND (not_before IS NULL))
     + (SELECT count(*) FROM sandbox_webhook WHERE done_at IS NULL AND url <> '')
"""
#: Where the time goes, on Telegram, which tells nothing after a reply is out: until a message is stored, until its
#: turn is done, until the first reply is out.
_STEPS = {
    "stored": "heard.created_at - phone.at",
    "answered": "reply.created_at - heard.created_at",
    "out": "reply.status_at - reply.created_at",
}
_WAITED = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {step})) AS half,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM {step})) AS most
FROM message heard
JOIN conversation ON conversation.id = heard.conversation_id
JOIN sandbox_message phone ON phone.channel = 'telegram' AND phone.direction = 'in'
    AND heard.provider_id = phone.phone || ':' || phone.vendor_id
CROSS JOIN LATERAL (
    SELECT created_at, status_at FROM message
    WHERE conversation_id = heard.conversation_id AND seq > heard.seq AND sender <> 'customer' ORDER BY seq LIMIT 1
) reply
WHERE heard.channel = 'telegram'
"""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a run."""

    #: So long things are killed; and on, if need be, until the last conversation has begun, but no longer than `most`.
    seconds: float
    most: float
    seed: int
    conversations: int
    at_once: int


@dataclass
class Report:
    """What came of it."""

    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def shown(self) -> str:
        lines = [f"{name:24} {value}" for name, value in self.figures.items()]
        return "\n".join([*lines, "", *(self.violations or ["Every promise was kept."])]) + "\n"


async def run(folder: Path, model: Path, wanted: Wanted, write: Callable[[str], object]) -> Report:
    """Run everything and check it."""
    dice = Random(wanted.seed)
    async with open_house(folder, model) as house:
        await _faults(house, {**FAULTS, "seed": wanted.seed})
        write("running\n")
        ears = Ears(house.settings.database_url)
        listening = asyncio.create_task(ears.listen())
        all_begun = asyncio.Event()
        talking = asyncio.create_task(
            talk(house.vendors, ears, wanted.conversations, wanted.at_once, wanted.most, wanted.seed, all_begun)
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        await house.kill_for(wanted.seconds, wanted.most, all_begun, dice)
        killed_for = loop.time() - began
        await _faults(house, {})
        write("peace\n")
        met = await talking
        drained = await _drain(house)
        await _advance(house, "PT25M")
        drained = await _drain(house) and drained
        listening.cancel()
        report = _check(house)
        report.figures |= {
            "conversations": len(met),
            "booked and moved": sum(one.reached == "rescheduled" for one in met),
            "ended otherwise": dict(told([one for one in met if one.reached != "rescheduled"])),
            "killed": dict(house.killed),
            "seconds of killing": round(killed_for),
            "fell by themselves": dict(house.fell),
        }
        if not drained:
            report.violations.insert(0, f"everything is drained: not within {PEACE:g} s")
    return report


async def _faults(house: House, plan: dict[str, float]) -> None:
    async with httpx.AsyncClient(base_url=house.vendors, timeout=30) as http:
        for _ in range(60):
            if (await http.put("/sandbox/faults", json=plan)).is_success:
                return
            await asyncio.sleep(0.5)
    raise AssertionError("the vendors never took the plan")


async def _advance(house: House, by: str) -> None:
    async with httpx.AsyncClient(base_url=house.vendors, timeout=30) as http:
        (await http.post("/sandbox/clock", json={"advance": by})).raise_for_status()


async def _drain(house: House) -> bool:
    """Wait until nothing is under way, twice in a row; whether it came to that."""
    quiet = 0
    for _ in range(int(PEACE)):
        await asyncio.sleep(1)
        with psycopg.connect(libpq_url(house.settings.database_url), autocommit=True) as connection:
            left = connection.execute(_UNDER_WAY).fetchone()
        quiet = quiet + 1 if left == (0,) else 0
        if quiet == 3:
            return True
    return False


def _check(house: House) -> Report:
    report = Report()
    with psycopg.connect(libpq_url(house.settings.database_url), autocommit=True, row_factory=dict_row) as connection:
        log = house.log.read_text(encoding="utf-8", errors="replace")
        for found in (*violations(connection), *told_in_log(connection, log)):
            report.violations.append(f"{found.promise}: {found.what}")
            if found.thread is not None:
                report.violations += log_of(connection, found.thread)
        counted = connection.execute(
            "SELECT count(*) FILTER (WHERE sender = 'customer') AS heard,"
            " count(*) FILTER (WHERE sender <> 'customer') AS said,"
            " count(*) FILTER (WHERE status = 'unsure') AS unsure, max(attempts) AS attempts,"
            " count(*) FILTER (WHERE terms ? 'looked_up_at' AND status <> 'unsure') AS found FROM message"
        ).fetchone()
        assert counted is not None
        paid = connection.execute("SELECT count(*) AS n FROM payment WHERE state = 'paid'").fetchone()
        twice = connection.execute("SELECT count(*) AS n FROM sandbox_webhook WHERE tries > 1").fetchone()
        waited = {name: connection.execute(_WAITED.format(step=step)).fetchone() for name, step in _STEPS.items()}
    assert paid is not None and twice is not None  # noqa: PT018
    report.figures |= {
        "messages of customers": counted["heard"],
        "replies": counted["said"],
        "unsure": counted["unsure"],
        "interrupted and found": counted["found"],
        "most attempts": counted["attempts"],
        "webhooks told again": twice["n"],
        "payments": paid["n"],
    }
    for name, row in waited.items():
        if row is not None and row["half"] is not None:
            report.figures[f"seconds until {name}"] = f"p50 {row['half']:.1f}, p95 {row['most']:.1f}"
    # One is always forgiven: of few replies one is more than the share.
    if counted["unsure"] > max(1, UNSURE * counted["said"]):
        report.violations.append(f"few replies are unsure: {counted['unsure']} of {counted['said']}")
    return report
