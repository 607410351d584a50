"""The checker: replays what was written down of every booking and compares it with what is taken.

`findings` returns every contradiction as a line `kind: what`; `assert_sound` fails when there is one. It
holds at any moment between transactions, whatever was running, killed or refused before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, groupby, permutations
from uuid import UUID

from sqlalchemy import text

from booking_core.kit.db import Database
from booking_core.models import State
from booking_core.rules.lifecycle import MOVES, TAKES_TIME, TENTATIVE, Move
from booking_core.rules.reminder_plan import LEADS
from tests.booking_core.tables import (
    WIDTH,
    Implied,
    Row,
    Span,
    Tables,
    calendars_of,
    freed_calendars,
    load_tables,
    minute,
    without,
)

#: How a booking begins: what is written down -> its state.
BEGINNINGS = {"hold": State.HELD, "request": State.PENDING_APPROVAL, "book": State.CONFIRMED}
_GROWS = {Move.RESCHEDULE, Move.CANCEL_BY_CUSTOMER, Move.CANCEL_BY_BUSINESS, Move.DECLINE}
_REMINDS = {"book", Move.CONFIRM, Move.APPROVE, Move.RETAKE, Move.RESCHEDULE}
_PLACES = {*BEGINNINGS, Move.RESCHEDULE, Move.RETAKE}
_FREES = {Move.EXPIRE, Move.DECLINE, Move.CANCEL_BY_CUSTOMER, Move.CANCEL_BY_BUSINESS}
_STATES = [state.value for state in TAKES_TIME]

_DOUBLE = text("""
SELECT a.calendar_no, a.during, b.during FROM allocation a JOIN allocation b
ON a.calendar_no = b.calendar_no AND a.during && b.during AND a.id < b.id
""")


async def assert_sound(database: Database, business_id: UUID, *, now: datetime | None = None) -> Tables:
    """Fail with everything that contradicts itself; `now`: holds that ran out before are gone, too."""
    async with database.transaction() as session:
        tables = await load_tables(session, business_id)
        double = [f"double: {row}" for row in await session.execute(_DOUBLE)]
    wrong = [*double, *findings(tables, now=now)]
    assert not wrong, "\n".join(wrong[:40])
    return tables


def findings(tables: Tables, *, now: datetime | None = None) -> list[str]:
    """Return every contradiction within a business."""
    return list(_Check(tables, Implied(tables)).all(now))


@dataclass
class _Check:
    tables: Tables
    implied: Implied

    def all(self, now: datetime | None) -> Iterator[str]:
        yield from self.overlaps()
        yield from self.owners()
        audits: dict[UUID, list[Row]] = defaultdict(list)
        for row in self.tables["booking_audit"]:
            audits[row["booking_id"]].append(row)
        taken = self.tables.allocations_of("booking_id")
        reminders: dict[UUID, list[Row]] = defaultdict(list)
        for row in self.tables["reminder"]:
            reminders[row["booking_id"]].append(row)
        for booking in self.tables["booking"]:
            history = audits.pop(booking["id"], [])
            moves = _ordered(booking, history)
            if moves is None:
                yield f"moves: {_name(booking)} is {booking['state']} after {[row['move'] for row in history]}"
                continue
            yield from self.versions(booking, moves)
            yield from self.taken(booking, moves, taken.pop(booking["id"], []))
            yield from self.freed(booking, moves)
            yield from self.reminders(booking, moves, reminders.pop(booking["id"], []))
            expired = sum(row["move"] == Move.EXPIRE for row in moves)
            if self.tables.told.get(booking["id"], 0) != expired:
                yield f"told: {_name(booking)} expired {expired} times, told {self.tables.told.get(booking['id'], 0)}"
            if now is not None and booking["hold_expires_at"] is not None and booking["hold_expires_at"] <= now:
                yield f"lapsed: {_name(booking)} ran out and stands"
        yield from (f"orphans: allocations of no booking {one}" for one in taken)
        yield from self.sessions()
        yield from self.commands()
        yield from self.waitlist()

    def overlaps(self) -> Iterator[str]:
        """By brute force: every allocation of a calendar against every other."""
        calendars: dict[int, list[Span]] = defaultdict(list)
        for row in self.tables["allocation"]:
            calendars[row["calendar_no"]].append((minute(row["starts"]), minute(row["ends"])))
        for number, spans in calendars.items():
            for one, other in combinations(spans, 2):
                if one[0] < other[1] and other[0] < one[1]:
                    yield f"overlap: calendar {number}: {one} and {other}"

    def owners(self) -> Iterator[str]:
        """Every number belongs to somebody or something of this business, and has a unit there."""
        units = {
            **{row["calendar_no"]: 1 for row in self.tables["staff"]},
            **{row["calendar_no"]: row["units"] for row in self.tables["resource"]},
            **{row["calendar_no"]: row["capacity"] for row in self.tables["class_session"]},
            **{row["calendar_no"]: row["count"] for row in self.tables["booking_limit"]},
        }
        for row in self.tables["allocation"]:
            number = row["calendar_no"]
            if number % WIDTH % (WIDTH // 2) >= units.get(number - number % WIDTH, 0):
                yield f"owners: nobody has calendar {number}"

    def versions(self, booking: Row, moves: Sequence[Row]) -> Iterator[str]:
        version = 1
        for row in moves:
            version += row["move"] in _GROWS
            if row["version"] != version:
                yield f"version: {_name(booking)} has {row['version']} after {row['move']}, not {version}"
        if booking["version"] != version:
            yield f"version: {_name(booking)} is at {booking['version']}, its moves at {version}"
        if (booking["hold_expires_at"] is not None) != (State(booking["state"]) in TENTATIVE):
            yield f"state: {_name(booking)} is {booking['state']} until {booking['hold_expires_at']}"

    def taken(self, booking: Row, moves: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
        """A booking that takes time takes exactly what its parts imply; any other nothing."""
        own = [row for row in rows if not row["proposed"]]
        yield from self._proposed(booking, rows)
        if State(booking["state"]) not in TAKES_TIME:
            if own:
                yield f"time: {_name(booking)} is {booking['state']} and takes {calendars_of(own)}"
            return
        placed = [row for row in moves if row["move"] in _PLACES][-1]
        is_time, limits = self._apart(own)
        if booking["session_id"] is not None:
            one = self.implied.sessions[booking["session_id"]]
            yield from self._seats(booking, one, is_time)
        else:
            wanted = self.implied.by_parts(booking["parts"])
            if wanted != calendars_of(is_time):
                yield f"time: {_name(booking)} takes {calendars_of(is_time)}, not {wanted}"
            if (parts := booking["parts"]) and (
                min(minute(part["starts"]) for part in parts) != minute(booking["starts"])
                or max(minute(part["ends"]) for part in parts) != minute(booking["ends"])
                or booking["staff_id"] != next((UUID(part["staff"][0]) for part in parts if part["staff"]), None)
            ):
                yield f"parts: {_name(booking)} is not what its parts are"
        yield from self._limits(booking, placed, limits)

    def _apart(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """Return allocations of people, things and seats, and those of limits."""
        numbers = {row["calendar_no"] for row in self.tables["booking_limit"]}
        of_limits = [row for row in rows if row["calendar_no"] - row["calendar_no"] % WIDTH in numbers]
        return [row for row in rows if row not in of_limits], of_limits

    def _seats(self, booking: Row, one: Row, rows: Sequence[Row]) -> Iterator[str]:
        span = (minute(one["starts"]), minute(one["ends"]))
        seats = {row["calendar_no"] - one["calendar_no"] for row in rows}
        good = all((minute(row["starts"]), minute(row["ends"])) == span for row in rows)
        inside = all(0 <= seat < one["capacity"] for seat in seats)
        if not good or not inside or len(rows) != booking["party"] or len(seats) != booking["party"]:
            yield f"seats: {_name(booking)} for {booking['party']} has {sorted(seats)} of {one['capacity']}"
        if one["state"] != "open" or span != (minute(booking["starts"]), minute(booking["ends"])):
            yield f"seats: {_name(booking)} is in a class that is {one['state']} at {span}"

    def _limits(self, booking: Row, placed: Row, rows: Sequence[Row]) -> Iterator[str]:
        wanted = {}
        if booking["session_id"] is None:
            wanted = self.implied.limits_of(booking, booking["parts"], booking["starts"])
        numbers = {row["calendar_no"]: row["id"] for row in self.tables["booking_limit"]}
        found = [
            (numbers[row["calendar_no"] - row["calendar_no"] % WIDTH], (minute(row["starts"]), minute(row["ends"])))
            for row in rows
        ]
        missing, more = Counter(wanted.items()) - Counter(found), Counter(found) - Counter(wanted.items())
        # Staff may pass over limits.
        if more or (missing and not placed["actor"].startswith("staff")):
            yield f"limits: {_name(booking)} counts {found}, not {list(wanted.items())}"

    def _proposed(self, booking: Row, rows: Sequence[Row]) -> Iterator[str]:
        kept = calendars_of(row for row in rows if row["proposed"])
        proposal = next(
            (
                row
                for row in self.tables["move_proposal"]
                if row["booking_id"] == booking["id"] and row["state"] == "open"
            ),
            None,
        )
        if proposal is None or proposal["booking_version"] != booking["version"]:
            if kept:
                yield f"proposed: {_name(booking)} keeps {kept} for no proposal"
            return
        claims = freed_calendars(proposal["claims"])
        every = calendars_of(rows)
        lacking = {no: left for no, spans in claims.items() if (left := without(spans, every.get(no, ())))}
        beyond = {no: left for no, spans in kept.items() if (left := without(spans, claims.get(no, ())))}
        if lacking or beyond:
            yield f"proposed: {_name(booking)} lacks {lacking}, has {beyond} too much"

    def freed(self, booking: Row, moves: Sequence[Row]) -> Iterator[str]:
        """What was written down as freed was taken before, all of it, and is not taken by the booking after."""
        places = [row["data"]["was"] for row in moves if row["move"] == Move.RESCHEDULE]
        places.append({name: booking[name] for name in ("starts", "ends", "parts")})
        retaken = False
        for row in reversed(moves):
            if row["move"] == Move.RESCHEDULE:
                after, before = places[-1], places[-2]
                places.pop()
                yield from self._freed(booking, row, before, after, exactly=not retaken)
            elif row["move"] in _FREES:
                yield from self._freed(booking, row, places[-1], None, exactly=not retaken)
            # Paid after it ran out, it may have been given another place than it had.
            retaken = row["move"] == Move.RETAKE or (retaken and row["move"] != Move.RESCHEDULE)

    def _freed(self, booking: Row, row: Row, before: Row, after: Row | None, *, exactly: bool) -> Iterator[str]:
        entries = row["data"].get("freed", [])
        told = freed_calendars([one for one in entries if "limit" not in one])
        what = f"{_name(booking)} {row['move']} at {row['version']}"
        if any(not {"staff", "resource", "session", "limit"} & one.keys() for one in entries):
            yield f"freed: {what} does not say whose time"
        if booking["session_id"] is not None or any("session" in one for one in entries):
            spans = {span for each in told.values() for span in each}
            if spans - {(minute(before["starts"]), minute(before["ends"]))}:
                yield f"freed: {what} frees {spans}, no seats at {before['starts']}"
            if exactly and after is None and sum(map(len, told.values())) != booking["party"]:
                yield f"freed: {what} frees {len(told)} seats of {booking['party']}"
            return
        wanted = self.implied.by_parts(before["parts"])
        if after is not None and not any("session" in one for one in entries):
            kept = self.implied.by_parts(after["parts"])
            wanted = {no: left for no, spans in wanted.items() if (left := without(spans, kept.get(no, ())))}
        if exactly and told != wanted:
            yield f"freed: {what} frees {told}, not {wanted}"

    def reminders(self, booking: Row, moves: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
        """Open reminders are of the present version of what takes place, and all of those there should be."""
        waiting = [row for row in rows if row["state"] in {"due", "queued"}]
        firm = State(booking["state"]) in TAKES_TIME - TENTATIVE
        if waiting and (not firm or any(row["booking_version"] != booking["version"] for row in waiting)):
            yield f"reminders: {_name(booking)} is {booking['state']} and is reminded of"
        if not firm:
            return
        known = [row["at"] for row in moves if row["move"] in _REMINDS and row["version"] == booking["version"]]
        if not known:
            yield f"reminders: {_name(booking)} is {booking['state']} at {booking['version']}: since when?"
            return
        written = known[-1]
        wanted = {f"{lead}h" for lead in LEADS if booking["starts"] - timedelta(hours=lead) > written}
        found = {row["kind"] for row in rows if row["booking_version"] == booking["version"]}
        if found != wanted:
            yield f"reminders: {_name(booking)} has {found}, not {wanted}"

    def sessions(self) -> Iterator[str]:
        """A class that takes place takes its teacher's and its room's time, and has no more guests than seats."""
        taken = self.tables.allocations_of("session_id")
        guests: dict[UUID, int] = defaultdict(int)
        for booking in self.tables["booking"]:
            if booking["session_id"] is not None and booking["state"] in _STATES:
                guests[booking["session_id"]] += booking["party"]
        needs: dict[UUID, Counter[str]] = defaultdict(Counter)
        for row in self.tables["service_resource"]:
            needs[row["service_id"]][row["kind"]] += row["units"]
        things = {row["calendar_no"]: row for row in self.tables["resource"]}
        people = {row["calendar_no"]: row for row in self.tables["staff"]}
        for one in self.tables["class_session"]:
            rows, _ = self._apart(taken.pop(one["id"], []))
            if guests[one["id"]] > one["capacity"]:
                yield f"capacity: {guests[one['id']]} guests in {one['capacity']} seats of class {one['id']}"
            if one["state"] != "open":
                if rows or guests[one["id"]]:
                    yield f"class: {one['id']} is cancelled and takes {calendars_of(rows)}"
                continue
            numbers = {
                (row["calendar_no"] - row["calendar_no"] % WIDTH, row["calendar_no"] % (WIDTH // 2)) for row in rows
            }
            used = [(things[base], unit) for base, unit in sorted(numbers) if base in things]
            teachers = [people[base] for base, _ in sorted(numbers) if base in people]
            part = {
                "service": str(one["service_id"]),
                "starts": one["starts"].isoformat(),
                "ends": one["ends"].isoformat(),
                "staff": [str(row["id"]) for row in teachers],
                "resources": [{"resource": str(thing["id"]), "unit": unit} for thing, unit in used],
            }
            service = self.implied.services[one["service_id"]]
            if (
                self.implied.by_parts([part]) != calendars_of(rows)
                or Counter(thing["kind"] for thing, _ in used) != needs[one["service_id"]]
                or not (service["everyone"] or len(teachers) == len(service["staff_roles"]))
                or (one["staff_id"] is not None and one["staff_id"] not in {row["id"] for row in teachers})
            ):
                yield f"class: {one['id']} takes {calendars_of(rows)}, not {self.implied.by_parts([part])}"
        yield from (f"orphans: allocations of no class {one}" for one in taken)

    def commands(self) -> Iterator[str]:
        """Every move under a key was noted under that key, and no key moved anything twice."""
        noted = {row["key"] for row in self.tables["done_command"]}
        keys = Counter(
            row["data"]["key"]
            for row in self.tables["booking_audit"]
            if row["move"] == Move.RESCHEDULE and "proposal" not in row["data"]
        )
        yield from (f"commands: {key} moved {count} times" for key, count in keys.items() if count > 1)
        yield from (f"commands: {key} moved and is not noted" for key in keys if key not in noted)

    def waitlist(self) -> Iterator[str]:
        """An offer belongs to one entry, and to its customer."""
        bookings = self.tables.by_id("booking")
        offers = [row for row in self.tables["waitlist_entry"] if row["offer_id"] is not None]
        for entry in offers:
            if bookings[entry["offer_id"]]["customer_id"] != entry["customer_id"]:
                yield f"waitlist: {entry['id']} is offered somebody else's time"
        for offer_id, count in Counter(row["offer_id"] for row in offers).items():
            if count > 1:
                yield f"waitlist: {offer_id} is offered to {count}"


def _ordered(booking: Row, rows: Sequence[Row]) -> list[Row] | None:
    """Return the records of a booking in the order in which its states follow from each other; None if none does.

    Their ids tell the millisecond; what was written in the same one is tried in every order.
    """
    groups = [
        list(each)
        for _, each in groupby(
            sorted(rows, key=lambda row: (row["version"], row["id"].int >> 80)),
            key=lambda row: (row["version"], row["id"].int >> 80),
        )
    ]
    return _walk(None, groups, State(booking["state"]))


def _walk(state: State | None, groups: Sequence[Sequence[Row]], last: State) -> list[Row] | None:
    if not groups:
        return [] if state == last else None
    for order in permutations(groups[0]):
        reached = state
        for row in order:
            reached = _after(reached, row["move"])
            if reached is None:
                break
        else:
            rest = _walk(reached, groups[1:], last)
            if rest is not None:
                return [*order, *rest]
    return None


def _after(state: State | None, move: str) -> State | None:
    if state is None:
        return BEGINNINGS.get(move)
    if move not in set(Move):
        return state
    return MOVES.get((state, Move(move)))


def _name(booking: Row) -> str:
    return f"booking {booking['idempotency_key']}"
