"""The checker sees what is wrong: tables are spoilt one way after the other, and each time it says so."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from tests.booking_core.checker import findings
from tests.booking_core.house import MONDAY, NOW, at
from tests.booking_core.races.likeness import likeness
from tests.booking_core.races.world import Command, World
from tests.booking_core.tables import load_tables

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
LATER = (NOW + timedelta(minutes=15)).isoformat()


def held(key: str, clock: str, *services: str, day: date = TUESDAY, **more: object) -> Command:
    return {"do": "hold", "key": key, "services": list(services), "starts": at(clock, day).isoformat(), **more}


DAY: list[Command] = [
    held("cut", "09:00", "Cut", staff="Ana"),
    held("trim", "10:00", "Trim", staff="Bruno", customer=1),
    held("makeover", "10:00", "Makeover", day=WEDNESDAY, customer=2),
    held("workshop", "12:00", "Workshop", customer=3),
    held("yoga", "12:00", "Yoga", party=2, customer=4),
    held("talk", "09:00", "Talk", staff="Bruno", customer=5),
    held("ride", "09:00", "Ride", customer=6),
    held("gone", "11:30", "Trim", staff="Bruno", customer=7),
    held("moved", "12:20", "Trim", staff="Bruno", customer=8),
    {"do": "cancel", "of": "gone"},
    {"do": "reschedule", "of": "moved", "key": "move", "starts": at("12:30", TUESDAY).isoformat(), "staff": "Bruno"},
    held("lapsed", "11:20", "Cut", staff="Bruno", customer=9),
    {"do": "expire", "now": LATER},
    held("late", "11:20", "Cut", staff="Bruno", customer=10, now=LATER),
]


def allocated(key: str) -> str:
    """Return the condition of what a booking takes of people and things: a limit takes a whole day."""
    return f"{of(key)} AND upper(during) - lower(during) < '2 hours'"


def of(key: str) -> str:
    return f"booking_id = (SELECT id FROM booking WHERE idempotency_key = '{key}')"


_CLASS = "(SELECT session_id FROM booking WHERE idempotency_key = 'yoga')"
#: What the checker says -> what it must say that about.
SPOILT = {
    "overlap": "UPDATE allocation SET during = tstzrange(lower(during) - '2 hours'::interval, upper(during))"
    f" WHERE {allocated('late')}",
    "time: booking trim": "UPDATE allocation SET"
    " during = tstzrange(lower(during), upper(during) - '1 minute'::interval)"
    f" WHERE {allocated('trim')}",
    "time: booking late": f"DELETE FROM allocation WHERE {allocated('late')}",
    "time: booking gone": f"UPDATE allocation SET {of('gone')} WHERE {of('ride')}",
    "limits: booking talk": f"DELETE FROM allocation WHERE {of('talk')} AND upper(during) - lower(during) > '2 hours'",
    "seats: booking yoga": f"DELETE FROM allocation WHERE ctid = (SELECT max(ctid) FROM allocation WHERE {of('yoga')})",
    "capacity": f"UPDATE class_session SET capacity = 1 WHERE id = {_CLASS}",
    "class": f"DELETE FROM allocation WHERE session_id = {_CLASS}",
    "owners": f"UPDATE allocation SET calendar_no = calendar_no + 70 WHERE {of('ride')}",
    "moves: booking late": "UPDATE booking SET state = 'completed', hold_expires_at = NULL"
    " WHERE idempotency_key = 'late'",
    "moves: booking trim": f"DELETE FROM booking_audit WHERE {of('trim')}",
    "version: booking moved": "UPDATE booking SET version = 3 WHERE idempotency_key = 'moved'",
    "freed: booking gone": f"UPDATE booking_audit SET data = jsonb_set(data, '{{freed}}', '[]') WHERE {of('gone')}",
    "freed: booking moved": "UPDATE booking_audit SET data = jsonb_set(data, '{freed,-1,starts}',"
    f" '\"2026-11-24T08:00:00+00:00\"') WHERE {of('moved')} AND move = 'reschedule'",
    "reminders: booking gone": f"UPDATE reminder SET state = 'due' WHERE {of('gone')}",
    "reminders: booking moved": f"UPDATE reminder SET state = 'due' WHERE {of('moved')}",
    "reminders: booking trim": f"DELETE FROM reminder WHERE {of('trim')}",
    "told: booking lapsed": "DELETE FROM procrastinate_jobs WHERE task_name = 'tell_hold_expired'",
    "commands": "DELETE FROM done_command WHERE key = 'move'",
    "parts: booking trim": "UPDATE booking SET starts = starts - '5 minutes'::interval WHERE idempotency_key = 'trim'",
}


async def spoil(session: AsyncSession, how: str) -> None:
    await session.execute(text("ALTER TABLE allocation DROP CONSTRAINT IF EXISTS ex_allocation_calendar_during"))
    done = await session.execute(text(how))
    assert done.rowcount > 0, "nothing was spoilt"


@pytest.fixture
async def used(database: Database, world: World) -> World:
    for command in DAY:
        async with database.transaction() as session:
            await world.perform(session, command)
    return world


async def test_it_sees_whatever_is_spoilt(database: Database, used: World) -> None:
    unseen = []
    for kind, how in SPOILT.items():
        try:
            async with database.transaction() as session:
                assert findings(await load_tables(session, used.business_id)) == []
                before = await likeness(session, used.business_id)
                await spoil(session, how)
                found = findings(await load_tables(session, used.business_id))
                if (
                    not any(one.startswith(kind) for one in found)
                    or await likeness(session, used.business_id) == before
                ):
                    unseen.append((kind, found))
                raise _EnoughError
        except _EnoughError:
            continue
    assert unseen == []


async def test_it_sees_a_hold_that_ran_out_and_stands(database: Database, used: World) -> None:
    async with database.transaction() as session:
        tables = await load_tables(session, used.business_id)
    assert findings(tables, now=NOW) == []
    assert [one for one in findings(tables, now=NOW + timedelta(minutes=30)) if one.startswith("lapsed: booking late")]


class _EnoughError(Exception):
    """What was spoilt is to be whole again."""
