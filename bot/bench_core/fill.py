"""Many businesses and many bookings, made by the database itself."""

import random
from collections.abc import Sequence
from uuid import UUID

import psycopg

from bot.bench_core.shop import A_DAY, FIRST_DAY, OPENS, STEP, Shop

_MINUTE = 60
# An id of the copy follows from the id of what is copied, so that rows find each other again.
_COPIED = "md5(%(copy)s || {}::text)::uuid"
_TABLES = {
    "location": ("id",),
    "service": ("id",),
    "customer": ("id",),
    "staff": ("id", "location_id"),
    "skill": ("staff_id", "service_id"),
    "schedule_rule": ("id", "staff_id"),
}

# Starts are numbered by their distance from the first day; those before it count backwards.
_BOOK = """
WITH chosen AS (
    SELECT staff.id AS staff_id, staff.location_id, staff.calendar_no, service.id AS service_id,
           customer.id AS customer_id, start.at, row_number() OVER () AS no
    FROM unnest(%(starts)s::bigint[]) AS start (at)
    CROSS JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM staff WHERE business_id = %(shop)s) staff
    JOIN LATERAL (SELECT id FROM service WHERE business_id = %(shop)s LIMIT 1) service ON true
    JOIN LATERAL (SELECT id FROM customer WHERE business_id = %(shop)s LIMIT 1) customer ON true
    WHERE (start.at / %(step)s + staff.place * 7) %% 10 < %(tenths)s
    LIMIT %(count)s
), made AS (
    INSERT INTO booking (business_id, id, reference, customer_id, service_id, staff_id, location_id, starts, ends,
                         state, price, due, currency, policy_snapshot, idempotency_key, ics_token, created_at,
                         updated_at, version)
    SELECT %(shop)s, gen_random_uuid(), %(name)s || no, customer_id, service_id, staff_id, location_id,
           to_timestamp(at), to_timestamp(at + %(step)s), 'confirmed', 2800, 1000, 'EUR', '{"hold_minutes": 10}',
           %(name)s || no, 'bench', to_timestamp(at), to_timestamp(at), 1
    FROM chosen
    RETURNING id, staff_id, starts, ends
)
INSERT INTO allocation (business_id, id, booking_id, calendar_no, during)
SELECT %(shop)s, gen_random_uuid(), made.id, staff.calendar_no, tstzrange(made.starts, made.ends)
FROM made JOIN staff ON staff.business_id = %(shop)s AND staff.id = made.staff_id
"""


def starts_of_days(first: int, last: int) -> list[int]:
    """Return every start of days by their distance from the first one, in seconds since 1970."""
    opens = int(FIRST_DAY.timestamp()) + OPENS * _MINUTE
    return [
        opens + day * 86_400 + slot * STEP * _MINUTE
        for day in sorted(range(first, last), key=abs)
        for slot in range(A_DAY)
    ]


def book(url: str, business_id: UUID, starts: Sequence[int], *, count: int, tenths: int = 10, name: str) -> int:
    """Book so many of these starts for everybody of a business, and so many tenths of the time; returns how many."""
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(
            _BOOK,
            {
                "shop": business_id,
                "starts": list(starts),
                "step": STEP * _MINUTE,
                "tenths": tenths,
                "count": count,
                "name": name,
            },
        )
        return done.rowcount


def copies(url: str, shop: Shop, count: int) -> list[UUID]:
    """Open so many more businesses like this one; returns their ids."""
    made: list[UUID] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(count):
            named = {"copy": f"{shop.business_id}-{number}-{random.random()}", "shop": shop.business_id}  # noqa: S311
            business = connection.execute(
                "INSERT INTO business SELECT made.* FROM business b, jsonb_populate_record(NULL::business, to_jsonb(b)"
                f" || jsonb_build_object('id', {_COPIED.format('b.id')}, 'slug', md5(%(copy)s),"
                " 'catalog_version', nextval('catalog_version'))) made WHERE b.id = %(shop)s RETURNING id",
                named,
            ).fetchone()
            assert business is not None  # noqa: S101 - it has just been written
            made.append(business[0])
            for table, ids in _TABLES.items():
                other = ", ".join(f"'{name}', {_COPIED.format(f't.{name}')}" for name in ("business_id", *ids))
                if table == "staff":
                    other += ", 'calendar_no', nextval('calendar_number')"
                connection.execute(
                    f"INSERT INTO {table} SELECT made.* FROM {table} t, jsonb_populate_record(NULL::{table},"
                    f" to_jsonb(t) || jsonb_build_object({other})) made WHERE t.business_id = %(shop)s",
                    named,
                )
    return made
