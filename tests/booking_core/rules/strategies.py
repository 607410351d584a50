"""Random spans of time, and small random visits of every kind."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from hypothesis import strategies as st

from booking_core.rules.availability import Search
from booking_core.rules.grid import Grid
from booking_core.rules.plan import BEFORE_SIDE, Candidate, Needed, Part, Person, Plan, Pool, Quota, Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span, merge
from tests.booking_core.rules.plans import DAYS, PLACE, number_of

SPANS = st.lists(
    st.tuples(st.integers(0, 1440), st.integers(1, 300)).map(lambda one: (one[0], one[0] + one[1])), max_size=8
)

#: So many minutes a small visit is looked for.
HOUR = (0, 36)
TEAM = [UUID(int=n) for n in range(1, 4)]
POOLS = [UUID(int=n) for n in range(11, 15)]
LIMITS = [UUID(int=n) for n in range(21, 24)]


def minutes(spans: Iterable[Span]) -> set[int]:
    """Return every minute of spans."""
    return {minute for start, end in spans for minute in range(start, end)}


def short_spans(most: int = 3, longest: int = 25) -> st.SearchStrategy[list[Span]]:
    """Draw a few spans of the small hour."""
    one = st.tuples(st.integers(*HOUR), st.integers(1, longest))
    return st.lists(one.map(lambda at: (at[0], min(at[0] + at[1], HOUR[1]))), max_size=most).map(merge)


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    """Draw one to three people; their own days may add to what the house expects, and take from it."""
    found = []
    for one in TEAM[: draw(st.integers(1, 3))]:
        working = draw(short_spans(longest=36))
        usual = draw(st.one_of(st.just(working), short_spans(longest=36)))
        found.append(Person(one, number_of(one), working, usual))
    return found


@st.composite
def quotas(draw: st.DrawFn, which: int) -> list[Quota]:
    """Draw perhaps one limit of two periods, counted in a part of each."""
    if draw(st.integers(0, 3)) != 0:
        return []
    one = LIMITS[which]
    middle = draw(st.integers(5, 31))
    whole = [(HOUR[0], middle), (middle, HOUR[1])]
    counted = [(max(start, draw(st.integers(0, 10))), end) for start, end in whole]
    return [Quota(one, number_of(one), draw(st.integers(1, 2)), list(zip(counted, whole, strict=True)))]


@st.composite
def parts(
    draw: st.DrawFn,
    team: Sequence[Person],
    at: int,
    *,
    kinds: Sequence[Sequence[Pool]],
    limits: Mapping[UUID, Sequence[Quota]],
    roles: int,
) -> Part:
    """Draw one service of a visit; a limit of somebody may be for some services only."""
    processing = draw(st.sampled_from([0, 0, 0, 1, 3]))
    tail = draw(st.integers(0, 2)) if processing else 0
    shortest = processing + tail + 1
    own = {one.id: limits[one.id] if draw(st.booleans()) else [] for one in team}
    filled = [
        [
            Candidate(team[n], shortest + draw(st.integers(0, 6)), own[team[n].id])
            for n in draw(st.lists(st.integers(0, len(team) - 1), min_size=1, unique=True))
        ]
        for _ in range(draw(st.integers(0 if draw(st.integers(0, 4)) == 0 else 1, roles)))
    ]
    needs = [
        Needed(f"kind{n}", draw(st.integers(1, min(2, sum(pool.units for pool in pools)))), pools, draw(st.booleans()))
        for n, pools in enumerate(kinds)
        if draw(st.integers(0, 2)) == 0
    ]
    return Part(
        UUID(int=100 + at),
        shortest + draw(st.integers(0, 6)),
        filled,
        needs,
        before=draw(st.integers(0, 3)),
        after=draw(st.integers(0, 3)),
        processing=processing,
        tail=tail,
        max_wait=draw(st.integers(0, 4)),
        same_staff=draw(st.booleans()) if at else False,
    )


@st.composite
def resources(draw: st.DrawFn) -> list[list[Pool]]:
    """Draw the resources of two kinds, the second of two pools."""
    found = [
        Pool(one, number_of(one), draw(st.integers(1, 2)), draw(st.one_of(st.none(), short_spans(longest=36))))
        for one in POOLS[:3]
    ]
    return [found[:1], found[1:]]


@st.composite
def searches(
    draw: st.DrawFn, *, most_parts: int = 3, most_roles: int = 1, parties: bool = False, override: bool | None = None
) -> Search:
    """Draw a visit and what is taken of everybody it may need."""
    team = draw(people())
    kinds = draw(resources())
    limits = {one.id: draw(quotas(n)) if n < 2 else [] for n, one in enumerate(team)}
    made = [
        draw(parts(team, at, kinds=kinds, limits=limits, roles=most_roles))
        for at in range(draw(st.integers(1, most_parts)))
    ]
    lanes = 1
    if parties and draw(st.booleans()):
        lanes = 2
    elif parties:
        first = made[0]
        waits = first.after + first.before
        second = [
            _of_person(one, 1, max(one.max_wait, waits) if n == 0 else one.max_wait) for n, one in enumerate(made)
        ]
        made = [*made, *second]
    buffers = draw(st.sampled_from(Buffers))
    plan = Plan(
        PLACE,
        "UTC",
        made,
        DAYS,
        lanes=lanes,
        interval=draw(st.sampled_from([1, 2, 5, 7, 15])),
        offset=draw(st.sampled_from([0, 0, 2, 5])),
        grid=draw(st.sampled_from(Grid)),
        buffers=buffers,
        open=draw(st.one_of(st.none(), short_spans(longest=36))),
        quotas=draw(quotas(2)),
    )
    return Search(plan, draw(taken(plan)), HOUR, draw(st.booleans()) if override is None else override)


def _of_person(part: Part, person: int, max_wait: int) -> Part:
    return Part(part.service_id, part.duration, part.roles, part.needs, part.before, part.after, part.processing,
                part.tail, max_wait, part.same_staff, person)  # fmt: skip


@st.composite
def taken(draw: st.DrawFn, plan: Plan) -> Times:
    """Draw bookings and holds of everybody and everything in a plan."""
    numbers = sorted(calendars(plan))
    booked = {number: draw(short_spans(most=1, longest=12)) for number in numbers if draw(st.integers(0, 2)) == 0}
    held = {number: draw(short_spans(most=1, longest=12)) for number in numbers if draw(st.integers(0, 4)) == 0}
    return Times({n: one for n, one in booked.items() if one}, {n: one for n, one in held.items() if one})


def calendars(plan: Plan) -> set[int]:
    """Return every calendar number that a plan may take time of."""
    sides = (0, BEFORE_SIDE) if plan.buffers == Buffers.MAX else (0,)
    candidates = [one for part in plan.parts for role in part.roles for one in role]
    pools = [pool for part in plan.parts for need in part.needs for pool in need.pools]
    return limit_calendars(plan) | {
        *(one.person.number + side for one in candidates for side in sides),
        *(pool.number + unit + side for pool in pools for unit in range(pool.units) for side in sides),
    }


def limit_calendars(plan: Plan) -> set[int]:
    """Return every calendar number of a place under a limit."""
    candidates = [one for part in plan.parts for role in part.roles for one in role]
    limits = [*plan.quotas, *(quota for one in candidates for quota in one.quotas)]
    return {quota.number + place for quota in limits for place in range(quota.count)}
