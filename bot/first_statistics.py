"""What the planner is told of tables that nobody has analyzed yet: a business has many rows, and an id is one row's.

A plan is kept until statistics are gathered, by us and, for the checks of foreign keys, by the server itself. Of an
empty table the planner thinks that a business's id alone finds one row, and takes whichever index begins with it: until
the first ANALYZE every hold read all bookings of its business, twice. Servers before 18 can be told nothing.
https://www.postgresql.org/docs/18/functions-admin.html (pg_restore_attribute_stats)
"""

from typing import Any

from psycopg import Connection

_SINCE = 180_000
#: n_distinct: 1 is one value in all rows, -1 another one in each.
_TELL = """
SELECT count(pg_restore_attribute_stats(
    'schemaname', n.nspname::text, 'relname', c.relname::text, 'attname', a.attname::text, 'inherited', false,
    'null_frac', 0::real, 'avg_width', a.attlen::integer,
    'n_distinct', CASE a.attname WHEN 'id' THEN -1::real ELSE 1::real END))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND n.nspname = current_schema() AND a.attname IN ('business_id', 'id')
    AND a.atttypid = 'uuid'::regtype AND a.attnotnull
    -- Never analyzed, never vacuumed: what a server has found out by itself is left alone.
    AND c.reltuples < 0
"""


def tell_first_statistics(connection: Connection[Any]) -> None:
    """Tell the planner what is certain of every table that it knows nothing of yet; safe to run again."""
    if connection.info.server_version >= _SINCE:
        connection.execute(_TELL)
