"""Whose time is taken: the only SQL that asks the allocations, one index probe for each calendar."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.statements import array, run
from booking_core.models import CALENDAR_WIDTH, State
from booking_core.rules.lifecycle import TENTATIVE
from booking_core.rules.plan import BEFORE_SIDE, Times
from booking_core.rules.spans import Span, merge, overlap

#: A calendar's first number, how many numbers from there, and which span of time.
Asked = tuple[int, int, Span]

# The left side of each condition is written as the constraint's own index has it.
_TAKEN = f"""
SELECT a.calendar_no, a.booking_id, b.customer_id, b.state, b.hold_expires_at <= %(now)s AS lapsed, a.proposed,
       (date_part('epoch', lower(a.during)) / 60)::bigint AS starts,
       (date_part('epoch', upper(a.during)) / 60)::bigint AS ends
FROM unnest(CAST(%(numbers)s AS bigint[]), CAST(%(froms)s AS bigint[]),
            CAST(%(untils)s AS bigint[])) AS n (no, starts, ends)
JOIN taken_time a ON int8range(a.calendar_no, a.calendar_no, '[]') && int8range(n.no, n.no + {CALENDAR_WIDTH})
                 AND a.during && tstzrange(to_timestamp(60 * n.starts), to_timestamp(60 * n.ends))
LEFT JOIN booking b ON b.business_id = a.business_id AND b.id = a.booking_id
WHERE a.business_id = %(business_id)s
  AND (a.booking_id IS NULL OR a.booking_id IS DISTINCT FROM CAST(%(ignoring)s AS uuid))
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when. `ignoring`: the booking that is being moved; a customer's own holds give way to them."""

    now: datetime
    ignoring: UUID | None = None
    customer_id: UUID | None = None
    #: Where the search for a free unit begins (`Times.turn`).
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Yielding:
    """An unpaid hold that gives way: it ran out, or it is the asking customer's own."""

    booking_id: UUID
    span: Span
    lapsed: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken on the calendars that were asked about; what gives way does not count as taken."""

    times: Times
    yielding: Mapping[int, Sequence[Yielding]] = field(default_factory=dict)


async def load_taken(
    session: AsyncSession,
    business_id: UUID,
    asked: Sequence[Asked],
    asker: Asker,
) -> Taken:
    """Return what is taken, for who asks, in one query."""
    booked: dict[int, list[Span]] = defaultdict(list)
    held: dict[int, list[Span]] = defaultdict(list)
    yielding: dict[int, list[Yielding]] = defaultdict(list)
    if not asked:
        return Taken(Times())
    rows = await run(
        session,
        _TAKEN,
        {
            "business_id": business_id,
            "numbers": array(number for number, _, _ in asked),
            "froms": array(span[0] for _, _, span in asked),
            "untils": array(span[1] for _, _, span in asked),
            "now": asker.now,
            "ignoring": asker.ignoring,
        },
    )
    for number, booking_id, whose, state, lapsed, proposed, starts, ends in rows:
        span = (starts, ends)
        if state == State.HELD and not proposed and (lapsed or (whose is not None and whose == asker.customer_id)):
            yielding[number].append(Yielding(booking_id, span, bool(lapsed)))
        elif state == State.PENDING_APPROVAL and lapsed and not proposed:
            yielding[number].append(Yielding(booking_id, span, True))
        elif state in TENTATIVE:
            held[number].append(span)
        else:
            booked[number].append(span)
    for taken in (booked, held):
        _fold(taken, {number: width for number, width, _ in asked}, (booked, held))
    return Taken(
        Times(
            booked={number: merge(spans) for number, spans in booked.items()},
            held={number: merge(spans) for number, spans in held.items()},
            turn=asker.turn,
        ),
        yielding,
    )


def _fold(
    taken: dict[int, list[Span]], widths: Mapping[int, int], every: tuple[dict[int, list[Span]], dict[int, list[Span]]]
) -> None:
    """Count what lies beyond a calendar's units: a class that was larger, a bicycle that is sold but still lent.

    It stands on some unit that is free then, so that there are not more places than units.
    """
    for number in sorted(taken):
        base = number - number % CALENDAR_WIDTH
        width, offset = widths.get(base, 0), number % CALENDAR_WIDTH
        # Where only the longer buffer counts, a calendar has a second side.
        sided = width > BEFORE_SIDE
        side = BEFORE_SIDE if sided and offset >= BEFORE_SIDE else 0
        units = width - BEFORE_SIDE if sided else width
        if width == 0 or offset - side < units:
            continue
        for start, end in taken.pop(number):
            free = (
                one
                for one in range(base + side, base + side + units)
                if not any(overlap(spans.get(one, ()), start, end) for spans in every)
            )
            taken.setdefault(next(free, base + side), []).append((start, end))
