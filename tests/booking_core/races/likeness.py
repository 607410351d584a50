"""What a house has come to, without ids and references: two houses that went through the same are alike."""

import json
import re
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.booking_core.tables import WIDTH, Row, load_tables

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


async def likeness(session: AsyncSession, business_id: UUID) -> list[str]:
    """Return every booking, class, entry, command and job of a house in words that do not depend on ids."""
    tables = await load_tables(session, business_id)
    names = {
        str(row["id"]): row["name"] for kind in ("service", "staff", "resource", "location") for row in tables[kind]
    }
    services = tables.by_id("service")
    calendars: dict[int, str] = {
        row["calendar_no"]: row["name"] for kind in ("staff", "resource") for row in tables[kind]
    }
    for row in tables["class_session"]:
        calendars[row["calendar_no"]] = f"{services[row['service_id']]['name']} {row['starts'].isoformat()}"
        names[str(row["id"])] = calendars[row["calendar_no"]]
    for row in tables["booking_limit"]:
        calendars[row["calendar_no"]] = f"{row['period']} {row['count']}"
        names[str(row["id"])] = calendars[row["calendar_no"]]
    for kind in ("waitlist_entry", "booking"):
        for row in tables[kind]:
            names[str(row["id"])] = _ID.sub(lambda found: str(names.get(found[0], "?")), row["idempotency_key"])

    def plain(value: Any) -> str:
        worded = json.dumps(value, default=lambda one: one.isoformat() if isinstance(one, datetime) else str(one))
        worded = re.sub(r'"calendar": \d+', '"calendar": 0', worded)
        return _ID.sub(lambda found: str(names.get(found[0], "?")), worded)

    rows: dict[Any, list[Row]] = defaultdict(list)
    for kind in ("allocation", "booking_audit", "reminder"):
        for row in tables[kind]:
            rows[kind, row["booking_id"]].append(row)
            if row.get("session_id"):
                rows["class", row["session_id"]].append(row)

    def taken(kind: str, whose: UUID) -> list[str]:
        return sorted(
            f"{calendars[row['calendar_no'] - row['calendar_no'] % WIDTH]} {row['calendar_no'] % WIDTH}"
            f" {row['starts']} {row['ends']} {row['proposed']}"
            for row in rows[kind, whose]
        )

    lines = [
        plain([
            "booking", one["id"], one["state"], one["version"], one["starts"], one["ends"], one["price"], one["due"],
            one["hold_expires_at"], one["party"], one["parts"], one["policy_snapshot"], one["session_id"],
            taken("allocation", one["id"]),
            sorted(plain([row["version"], row["move"], row["actor"], row["at"], row["data"]])
                   for row in rows["booking_audit", one["id"]]),
            sorted(plain([row["kind"], row["booking_version"], row["state"], row["due_at"]])
                   for row in rows["reminder", one["id"]]),
        ])
        for one in tables["booking"]
    ]  # fmt: skip
    lines += [
        plain(["class", one["id"], one["state"], one["capacity"], one["staff_id"], taken("class", one["id"])])
        for one in tables["class_session"]
    ]
    lines += [
        plain(["entry", one["id"], one["state"], one["offer_id"], one["passed"]]) for one in tables["waitlist_entry"]
    ]
    lines += [plain(["done", one["key"], one["command"]]) for one in tables["done_command"]]
    jobs = await session.execute(
        text("SELECT task_name, args FROM procrastinate_jobs WHERE args->>'business_id' = :id"),
        {"id": str(business_id)},
    )
    counted = Counter(plain(["job", name, {**args, "business_id": ""}]) for name, args in jobs)
    lines += [f"{count} x {job}" for job, count in counted.items()]
    return sorted(lines)
