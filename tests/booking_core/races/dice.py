"""Commands drawn by dice: seeded, so that a storm can be had again."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.booking_core.house import MONDAY, at
from tests.booking_core.races.world import CUSTOMERS, Command

#: Visits lie on the next two days: few enough that everybody is in everybody's way.
DAYS = [MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)]
PEOPLE = ["Ana", "Bruno", "Carla", None, None]
VISITS: list[tuple[list[str], int]] = [
    (["Cut"], 5), (["Trim"], 5), (["Colour"], 3), (["Makeover"], 3), (["Massage"], 3), (["Duet"], 2), (["Talk"], 3),
    (["Workshop"], 4), (["Yoga"], 4), (["Ride"], 2), (["Rehearsal"], 2), (["Cut", "Massage"], 1),
    (["Trim", "Colour"], 1),
]  # fmt: skip
_DONE_BY = {
    "Cut": ["Ana", "Bruno"], "Trim": ["Ana", "Bruno", "Carla"], "Colour": ["Ana", "Carla"],
    "Makeover": ["Ana", "Bruno"], "Massage": ["Bruno", "Carla"], "Duet": ["Ana"], "Talk": ["Ana", "Bruno"],
}  # fmt: skip
#: What is done, and how often in a hundred.
WEIGHTS = {
    "hold": 44, "reschedule": 12, "cancel": 9, "pay": 8, "confirm": 3, "release": 3, "expire": 3, "approve": 3,
    "decline": 2, "check_in": 1, "undo_check_in": 1, "complete": 1, "no_show": 1, "attend": 1, "again": 3, "price": 1,
    "time_off": 1, "join": 2, "look": 1, "accept": 2, "refuse": 1, "withdraw": 1, "series": 1, "cancel_class": 1,
}  # fmt: skip


@dataclass
class Dice:
    """Draws commands for one connection; `name` keeps its keys apart from all others'."""

    name: str
    seed: int
    #: Bookings and offers to do something with.
    bookings: list[str] = field(default_factory=list)
    offers: list[list[str]] = field(default_factory=list)
    absences: list[str] = field(default_factory=list)
    done: list[Command] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def draw(self, now: datetime) -> Command:
        """Return the next command."""
        kind = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if kind == "again" and self.done:
            return self.dice.choice(self.done[-20:])
        if (kind in {"accept", "refuse", "withdraw"} and not self.offers) or kind == "again":
            kind = "look"
        if kind not in {"hold", "expire", "join", "look", "price", "time_off", "series"} and not self.bookings:
            kind = "hold"
        self.count += 1
        command: Command = {"do": kind, "now": now.isoformat(), "key": f"{self.name}-{self.count}"}
        command |= getattr(self, f"_{kind}", self._change)()
        if kind == "time_off" and self.absences:
            # Nobody is away for long: the storm is about bookings.
            command = {"do": "end_time_off", "now": command["now"], "time_off": self.absences.pop()}
        self.done.append(command)
        return command

    def _change(self) -> dict[str, Any]:
        # Mostly what changed last: others want something of it just now.
        recent = self.bookings[:30] if self.dice.random() < 0.7 else self.bookings
        return {"booking": self.dice.choice(recent)} if recent else {}

    def _hold(self) -> dict[str, Any]:
        services = self.dice.choices([one for one, _ in VISITS], [weight for _, weight in VISITS])[0]
        drawn: dict[str, Any] = {
            "services": services,
            "starts": self._starts(services[0]).isoformat(),
            "customer": self.dice.randrange(CUSTOMERS),
        }
        if self.dice.random() < 0.5:
            drawn["staff"] = self.dice.choice([*_DONE_BY.get(services[0], []), None])
        if services[0] in {"Cut", "Trim", "Ride", "Workshop", "Yoga"} and self.dice.random() < 0.35:
            drawn["party"] = self.dice.choice([2, 2, 3])
            if services[0] in {"Cut", "Trim"}:
                drawn["arrangement"] = self.dice.choice(["together", "in_turn"])
        if services[0] in {"Ride", "Rehearsal"}:
            drawn["units"] = self.dice.choice([1, 2])
        if self.dice.random() < 0.05:
            drawn |= {"override": True, "actor": "staff:x"}
        return drawn

    def _series(self) -> dict[str, Any]:
        return self._hold() | {"rule": "FREQ=DAILY;COUNT=2", "services": ["Trim"], "party": 1, "units": 1}

    def _reschedule(self) -> dict[str, Any]:
        clock = self.dice.choice(["Cut", "Cut", "Ride", "Yoga"])
        return self._change() | {"starts": self._starts(clock).isoformat()}

    def _cancel(self) -> dict[str, Any]:
        by = self.dice.choice(["customer", "business"])
        return self._change() | {"by": by, "actor": "customer" if by == "customer" else "staff:x"}

    def _join(self) -> dict[str, Any]:
        return self._hold() | {"services": ["Trim"], "minutes": 90, "party": 1, "units": 1, "staff": None}

    def _time_off(self) -> dict[str, Any]:
        return {"staff": self.dice.choice(PEOPLE[:3]), "starts": self._starts("Cut").isoformat(), "minutes": 30}

    def _price(self) -> dict[str, Any]:
        return {"services": ["Trim"]}

    def _accept(self) -> dict[str, Any]:
        return {"offer": self.dice.choice(self.offers)}

    _refuse = _withdraw = _accept

    def _starts(self, service: str) -> datetime:
        day = self.dice.choice(DAYS)
        if service == "Ride":
            return at("09:00", day)
        if service == "Yoga":
            return at("12:00", day)
        if service == "Rehearsal":
            return at("08:00", day) + timedelta(hours=self.dice.randrange(6))
        return at("09:00", day) + timedelta(minutes=10 * self.dice.randrange(24))
