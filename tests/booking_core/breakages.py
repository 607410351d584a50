"""Ways to break the core on purpose, each as a mistake that somebody could make: the machine must notice every one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import psycopg
import pytest

from booking_core import booking, catalog, changing, classes, giving, holds, making, offers, planning, taking, visits
from booking_core.models import State
from booking_core.rules import feasible, policy
from booking_core.rules.lifecycle import MOVES, Move

Break = Callable[[pytest.MonkeyPatch, str], None]


def _nothing(value: Any = None) -> Callable[..., Any]:
    async def nothing(*_: Any, **__: Any) -> Any:
        return value

    return nothing


def constraint_dropped(_: pytest.MonkeyPatch, url: str) -> None:
    """Nobody judges who comes at the same instant."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE allocation DROP CONSTRAINT ex_allocation_calendar_during")


def expiry_keeps_its_time(patch: pytest.MonkeyPatch, _: str) -> None:
    """A hold runs out and its time stays taken."""
    patch.setattr(holds, "give_back", _nothing([]))


def moves_into_itself(patch: pytest.MonkeyPatch, _: str) -> None:
    """A booking that moves finds its own old place in the way."""
    find = taking.find_places
    patch.setattr(taking, "find_places", lambda *args, **more: find(*args, **{**more, "ignoring": None}))


def no_audit_of_changes(patch: pytest.MonkeyPatch, _: str) -> None:
    """A move or a cancellation is not written down."""
    patch.setattr(changing, "write_audit", lambda *_args, **_more: None)


def no_tidying_up(patch: pytest.MonkeyPatch, _: str) -> None:
    """What is needed before and after a visit is not taken."""
    patch.setattr(feasible, "_padded", lambda phases, _start, _end: phases)


def paid_without_a_place(patch: pytest.MonkeyPatch, _: str) -> None:
    """An expired hold is confirmed as if it still had its time."""
    patch.setitem(MOVES, (State.EXPIRED, Move.CONFIRM), State.CONFIRMED)


def keys_mean_nothing(patch: pytest.MonkeyPatch, _: str) -> None:
    """A command that was carried out is not found again by its key."""
    patch.setattr(making, "find_by_key", _nothing())


def never_late(patch: pytest.MonkeyPatch, _: str) -> None:
    """Who cancels at the last minute gets everything back."""
    patch.setattr(policy, "is_late", lambda *_args, **_more: False)


def no_show_gives_way(patch: pytest.MonkeyPatch, _: str) -> None:
    """Who did not come loses the time in which they should have."""
    mark = visits.mark_no_show

    @wraps(mark)
    async def gives_way(session: Any, business_id: Any, booking_id: Any, **more: Any) -> Any:
        marked = await mark(session, business_id, booking_id, **more)
        await holds.give_back(session, business_id, [booking_id])
        return marked

    patch.setattr(booking, "mark_no_show", gives_way)


def declined_offer_is_kept(patch: pytest.MonkeyPatch, _: str) -> None:
    """Nobody lets the time go that somebody on the waitlist did not want."""
    patch.setattr(offers.bookings, "release", _nothing())


def nobody_agrees_first(patch: pytest.MonkeyPatch, _: str) -> None:
    """What needs a yes of the business is held without one."""
    first = making._first_state
    patch.setattr(making, "_first_state", lambda made, *more: first(replace(made, actor="staff:x"), *more))


def time_off_is_forgotten(patch: pytest.MonkeyPatch, _: str) -> None:
    """Who is away is thought to be there."""
    patch.setattr(catalog, "_away", lambda _: {})


def own_hold_stays(patch: pytest.MonkeyPatch, _: str) -> None:
    """The hold that gave way to its customer's next one still looks alive."""
    patch.setattr(making, "give_up", _nothing())


def reminders_go_on(patch: pytest.MonkeyPatch, _: str) -> None:
    """Who has cancelled is reminded all the same."""
    patch.setattr(changing, "skip_reminders", _nothing())


def one_seat_too_many(patch: pytest.MonkeyPatch, _: str) -> None:
    """A class seems to have a seat more than it has."""
    free = classes._free_units
    patch.setattr(classes, "_free_units", lambda one, taken: [*free(one, taken), one.capacity])


def anyone_will_do(patch: pytest.MonkeyPatch, _: str) -> None:
    """Whoever is named for a part of a visit is not listened to."""
    chosen = planning.chosen_people

    def for_all(known: Any, wanted: Any, place: Any) -> Any:
        whom = chosen(known, wanted, place)
        return [None] * len(whom) if whom is not None and wanted.staff_by_service else whom

    patch.setattr(planning, "chosen_people", for_all)


def moved_to_whoever_is_free(patch: pytest.MonkeyPatch, _: str) -> None:
    """A visit of several parts that moves forgets who does which."""
    request = changing.request_of
    patch.setattr(changing, "request_of", lambda *args, **more: replace(request(*args, **more), kept_staff=()))


def given_to_whoever_is_free(patch: pytest.MonkeyPatch, _: str) -> None:
    """Who gives one part away gives the others to whoever is free, too."""
    request = giving.request_with
    patch.setattr(giving, "request_with", lambda *args, **_: replace(request(*args, alone=False), kept_staff=()))


BREAKAGES: Mapping[str, Break] = {
    one.__name__: one
    for one in (
        constraint_dropped, expiry_keeps_its_time, moves_into_itself, no_audit_of_changes, no_tidying_up,
        paid_without_a_place, keys_mean_nothing, never_late, no_show_gives_way, declined_offer_is_kept,
        nobody_agrees_first, time_off_is_forgotten, own_hold_stays, reminders_go_on,
        one_seat_too_many, anyone_will_do, moved_to_whoever_is_free, given_to_whoever_is_free,
    )
}  # fmt: skip
