"""A long day of a house as a list of commands that speak of each other by key: the same one every time."""

import random
from datetime import timedelta

from tests.booking_core.house import MONDAY, NOW, at
from tests.booking_core.races.world import CUSTOMERS, Command

_VISITS = [
    (["Cut"], {}), (["Trim"], {}), (["Makeover"], {}), (["Colour"], {}), (["Massage"], {}), (["Duet"], {}),
    (["Talk"], {}), (["Workshop"], {}), (["Workshop"], {"party": 2}), (["Yoga"], {}),
    (["Ride"], {"party": 2, "units": 2}),
    (["Trim"], {"party": 3}), (["Trim"], {"party": 2, "arrangement": "in_turn"}), (["Cut", "Massage"], {}),
]  # fmt: skip
_CHANGES = [
    "confirm", "pay", "pay", "reschedule", "reschedule", "cancel", "release", "approve", "decline", "check_in",
    "expire", "series", "join", "look", "accept", "refuse", "time_off",
]  # fmt: skip


def script(seed: int, length: int) -> list[Command]:
    """Return commands for one hand: holds, and what becomes of them."""
    dice = random.Random(seed)
    commands: list[Command] = []
    held: list[str] = []
    entries: list[str] = []
    for n in range(length):
        key = f"s{n}"
        what = "hold" if n < 4 or dice.random() < 0.45 else dice.choice(_CHANGES)
        if what in {"accept", "refuse"} and not entries:
            what = "join"
        command: Command = {"do": what, "key": key, "now": (NOW + timedelta(minutes=3 * n)).isoformat()}
        if what in {"hold", "series", "join"}:
            services, more = dice.choice(_VISITS) if what == "hold" else (["Trim"], {})
            day = MONDAY + timedelta(days=dice.choice([1, 2, 3]))
            clock = {"Yoga": "12:00", "Ride": "09:00"}.get(
                services[0], f"{dice.randrange(9, 13):02}:{dice.choice([0, 20, 30, 40]):02}"
            )
            command |= {
                "services": services,
                "starts": at(clock, day).isoformat(),
                "customer": dice.randrange(CUSTOMERS),
                "rule": "FREQ=DAILY;COUNT=3",
                "minutes": 90,
                **more,
            }
            if what == "hold":
                held.append(key)
            if what == "join":
                entries.append(key)
        elif what == "time_off":
            starts = at("10:00", MONDAY + timedelta(days=dice.choice([4, 7])))
            command |= {"staff": dice.choice(["Ana", "Bruno"]), "starts": starts.isoformat(), "minutes": 30}
        elif what in {"accept", "refuse"}:
            command |= {"of": dice.choice(entries)}
        elif what not in {"expire", "look"}:
            starts = at(f"{dice.randrange(9, 13):02}:{dice.choice([0, 20, 30, 40]):02}", MONDAY + timedelta(days=2))
            command |= {"of": dice.choice(held[-8:]), "starts": starts.isoformat()}
        commands.append(command)
    return commands
