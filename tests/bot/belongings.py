"""Everything that a business has, to see that nobody else changed it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from booking_core.kit.db import Base, Database

#: Signing in and asking leave these behind, whoever does it.
_PASSING = {"login_session", "api_request"}


async def belongings(database: Database, business_id: UUID) -> dict[str, list[Any]]:
    """Return every row of every table that is the business's."""
    found = {}
    async with database.transaction() as session:
        for table in Base.metadata.sorted_tables:
            owner = "id" if table.name == "business" else "business_id"
            if owner not in table.c or table.name in _PASSING or (owner == "id" and table.name != "business"):
                continue
            rows = text(f"SELECT to_jsonb(t) - 'last_used_at' FROM {table.name} t WHERE {owner} = :id ORDER BY t::text")
            found[table.name] = list((await session.execute(rows, {"id": business_id})).scalars())
    return found
