"""Worlds that are furnished once: what a business begins with is kept beside its tables, and put back for the next one.

To load a business from its file takes as long as a short conversation, and hundreds of them begin with the same one.
"""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from booking_core.kit.db import libpq_url

#: Tables that one conversation leaves to the next; of one, what WhatsApp has approved.
_KEPT = ("alembic_version", "message_template", "sandbox_object")
#: Set for each world anew.
_CLOCK = "clock_shift"
_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public'
AND tablename <> ALL (%s) AND tablename NOT LIKE 'procrastinate%%version%%' ORDER BY tablename
"""
#: Columns that are put back; what the server works out by itself is not.
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
# No triggers and no checks of keys: all of it has been through them before, and goes or comes as a whole.
_QUIETLY = "SET LOCAL session_replication_role = replica"


@dataclass
class Furniture:
    """What worlds of one database begin with, by name."""

    url: str
    #: Of the sandbox's objects these stay.
    approved: tuple[str, ...]
    _kept: dict[str, Any] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)

    async def sweep(self) -> None:
        """Empty the tables, but for what is left to the next conversation."""
        async with await psycopg.AsyncConnection.connect(libpq_url(self.url)) as connection:
            if not self._tables:
                found = await (await connection.execute(_TABLES, [list(_KEPT)])).fetchall()
                self._tables = [name for (name,) in found]
            await connection.execute(_QUIETLY)
            await connection.execute(
                sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(one)) for one in self._tables)
            )
            await connection.execute("DELETE FROM sandbox_object WHERE kind <> ALL (%s)", [list(self.approved)])

    async def put_back(self, name: str) -> Any:
        """Put back what was kept under a name, and return what was kept with it; None if nothing was."""
        if name not in self._kept:
            return None
        async with await psycopg.AsyncConnection.connect(libpq_url(self.url)) as connection:
            await connection.execute(_QUIETLY)
            statements, found = self._kept[name]
            await connection.execute(statements)
        return found

    async def keep(self, name: str, found: Any) -> None:
        """Keep the rows that there are now, and `found` with them."""
        schema = sql.Identifier(f"furnished {name}")
        statements = []
        async with await psycopg.AsyncConnection.connect(libpq_url(self.url)) as connection:
            await connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            for one in self._tables:
                if one == _CLOCK or one.startswith("procrastinate"):
                    continue
                table = sql.Identifier(one)
                copy = sql.SQL("{}.{}").format(schema, table)
                made = await connection.execute(
                    sql.SQL("CREATE TABLE {} AS SELECT * FROM public.{}").format(copy, table)
                )
                if not made.rowcount:
                    await connection.execute(sql.SQL("DROP TABLE {}").format(copy))
                    continue
                columns = await (await connection.execute(_COLUMNS, [f'public."{one}"'])).fetchall()
                names = sql.SQL(", ").join(sql.Identifier(column) for (column,) in columns)
                statements.append(
                    sql.SQL("INSERT INTO public.{} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                        table, names, names, copy
                    )
                )
        self._kept[name] = (sql.SQL("; ").join(statements), found)
