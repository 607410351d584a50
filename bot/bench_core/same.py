"""What a hold could cost at best: pgbench carries out its statements in our place, with neither rules nor Python."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg

from booking_core.catalog import VERSION
from booking_core.kit.db import options_of
from booking_core.kit.scope import beginning
from booking_core.making import BOOK
from bot.bench_core import pgbench
from bot.bench_core.shop import STEP, Shop, Town

#: The minute of the first start, 25 years after whatever our own processes hold.
_FROM = 42_000_000
_STARTS = 20_000
#: PostgreSQL 18 makes ids that are ordered by time.
_ORDERED_IDS = 180_000
# The same walk as `Town.start`, within one shop: clients and starts that follow each other are far apart.
_START = rf"""
\set n :n + 1
\set k ((:first + :n * :clients + :client_id) * 1000003) % (:people * {_STARTS})
\set no :lowest + :k / {_STARTS}
\set from (:k % {_STARTS}) * {STEP} + {_FROM}
"""


@dataclass
class Same:
    """A script for each business of a town."""

    url: str
    town: Town
    rounds: int = 0

    def rate(self, connections: int, seconds: float) -> float:
        """Return holds per second."""
        self.rounds += 1
        with TemporaryDirectory(prefix="threadbook-bench-") as folder:
            files: list[Path] = []
            lowest_numbers, new = self._ask()
            for number, (shop, lowest) in enumerate(zip(self.town.shops, lowest_numbers, strict=True)):
                files.append(Path(folder) / f"{number}.sql")
                files[-1].write_text(_script(shop, lowest, new))
            variables = {"n": 0, "first": self.rounds * 7919, "clients": connections}
            told = pgbench.run(self.url, files, connections, seconds, variables, options=options_of(self.url))
            return pgbench.rate_of(told)

    def _ask(self) -> tuple[list[int], str]:
        """Return the lowest calendar number of each business's people, and how the server makes an id."""
        with psycopg.connect(self.url) as connection:
            lowest: dict[UUID, int] = dict(
                connection.execute("SELECT business_id, min(calendar_no) FROM staff GROUP BY business_id").fetchall()
            )
            ordered = connection.info.server_version >= _ORDERED_IDS
        return [lowest[shop.business_id] for shop in self.town.shops], "uuidv7()" if ordered else "gen_random_uuid()"


def _script(shop: Shop, lowest: int, new: str) -> str:
    business = f"'{shop.business_id}'::uuid"
    first = [*beginning(shop.business_id).split("; "), VERSION % {"business_id": business}]
    start = _START.replace(":people", str(len(shop.staff))).replace(":lowest", str(lowest))
    hold = (BOOK % _values(shop, business, new)).strip()
    return f"{start}\\startpipeline\n" + ";\n".join(first) + f";\n\\endpipeline\n{hold};\nCOMMIT;\n"


def _values(shop: Shop, business: str, new: str) -> dict[str, str]:
    """Return the values of a hold as expressions: as long as those of a real one, and new each time."""
    word = "md5(random()::text)"
    part = (
        f'[{{"service": "{shop.services[0]}", "staff": ["{shop.staff[0]}"], "resources": [], "person": 0, '
        '"starts": "2027-03-03T09:00:00+00:00", "ends": "2027-03-03T09:30:00+00:00"}]'
    )
    policy = '{"lead_time": 0, "booking_window": 730, "cancel_until": 1440, "hold_minutes": 15, "refund_share": 100}'
    none = dict.fromkeys(("conversation_id", "session_id", "series_id"), "NULL::uuid")
    return none | {
        "business_id": business,
        # The booking's id stands in three rows: it is made of what tells this hold from all others.
        "id": "md5('hold' || :first || '-' || :client_id || '-' || :n)::uuid",
        "ids": f"ARRAY[{new}]",
        "numbers": "ARRAY[:no]",
        "froms": "ARRAY[:from]",
        "untils": f"ARRAY[:from + {STEP}]",
        "claims": "1",
        "audit_id": new,
        "reference": f"upper(substr({word}, 1, 12))",
        "customer_id": f"'{shop.customers[0]}'::uuid",
        "service_id": f"'{shop.services[0]}'::uuid",
        "staff_id": f"'{shop.staff[0]}'::uuid",
        "location_id": f"'{shop.location_id}'::uuid",
        "series_no": "NULL::smallint",
        "starts": "to_timestamp(60.0 * :from)",
        "ends": f"to_timestamp(60.0 * (:from + {STEP}))",
        "party": "1",
        "arrangement": "'together'",
        "units": "1",
        "parts": f"'{part}'::jsonb",
        "add_ons": "'[]'::jsonb",
        "attendees": "'[]'::jsonb",
        "answers": "'{}'::jsonb",
        "state": "'held'",
        "hold_expires_at": "now() + interval '15 minutes'",
        "price": "2800",
        "due": "1000",
        "currency": "'EUR'",
        "policy_snapshot": f"'{policy}'::jsonb",
        "idempotency_key": f"'bench-' || {word}",
        "ics_token": word,
        "now": "now()",
        "actor": "'customer'",
        "move": "'hold'",
        "data": "'{\"given_up\": []}'::jsonb",
        "told": "false",
    }
