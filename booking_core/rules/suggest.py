"""A few good times out of many: near the wish, apart from each other, leaving no useless gaps."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from booking_core.rules.availability import Slot

#: Two suggestions nearer to each other than this are one choice, not two (minutes).
_APART_NEAR = 60
_APART_OPEN = 120
#: What a useless gap may weigh at most, in minutes away from the wish.
_WASTE = 20
_USUAL_PERSON = 30
_MINUTE = timedelta(minutes=1)


def suggest(
    slots: Sequence[Slot], *, wish: datetime | None, count: int = 3, prefer_staff: UUID | None = None
) -> list[Slot]:
    """Return the best slots, best first; more of them never changes the first ones.

    Without a wish: early ones, spread over the day and the days.
    """
    if not slots:
        return []
    order = sorted(slots, key=lambda slot: (slot.starts, str(slot.staff_id)))
    apart = _APART_OPEN if wish is None else _APART_NEAR
    costs = [_cost(slot, wish or order[0].starts, wished=wish is not None, prefer=prefer_staff) for slot in order]
    first = order[0].starts
    minutes = [_minutes(slot.starts, first) for slot in order]
    left = list(range(len(order)))
    chosen: list[Slot] = []
    while len(chosen) < count and left:
        best = min(left, key=costs.__getitem__)
        chosen.append(order[best])
        # One start is offered once, whoever could do it.
        left = [at for at in left if order[at].starts != order[best].starts]
        for at in left:
            near = apart - abs(minutes[at] - minutes[best])
            if near > 0:
                costs[at] += 2 * near
    return chosen


def _cost(slot: Slot, wish: datetime, *, wished: bool, prefer: UUID | None) -> int:
    away = _minutes(slot.starts, wish)
    if wished and away == 0:
        return -_APART_NEAR * 4  # the wish itself comes first, gap or not
    usual = _USUAL_PERSON if prefer is not None and slot.staff_id == prefer else 0
    return away + min(slot.waste, _WASTE) - usual


def _minutes(one: datetime, other: datetime) -> int:
    return abs(one - other) // _MINUTE
