"""Policies: every table with a business in it shows and takes that business's rows only.

They are made after each migration for whatever tables there are then, so that a new one cannot be forgotten.
Who owns the tables is not bound by them; a business's transaction takes on a role that is (`kit/scope.py`).
"""

import contextlib
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import DuplicateObject, InsufficientPrivilege, UniqueViolation

from booking_core.kit.scope import BUSINESS, ROLE

POLICY = "one_business"
_CURRENT = f"NULLIF(current_setting('{BUSINESS}', true), '')::uuid"

#: Tables in which no business is named, and which a business's transaction has no need of.
CLOSED = ("alembic_version", "payment_event", "sandbox_message", "sandbox_object", "sandbox_webhook")
#: Tables in which no business is named, of which a business's transaction may need something: they hold states of
#: templates, workers and provider ids, but nobody's words.
SHARED = ("clock_shift", "delivery_report", "message_template", "worker_beat")

_TABLES = """
SELECT c.relname, c.relrowsecurity AND EXISTS (
    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = %s)
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND (c.relname = 'business' OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'business_id' AND NOT a.attisdropped))
ORDER BY c.relname
"""

# The operators of ranges are not LEAKPROOF, so that behind a policy no index would serve them: whose time is
# taken is asked through a view of its owner's, which keeps the businesses apart by itself.
_TAKEN_TIME = f"""
CREATE OR REPLACE VIEW taken_time AS
SELECT business_id, booking_id, session_id, calendar_no, during, proposed FROM allocation
WHERE business_id = {_CURRENT} OR current_user <> '{ROLE}'
"""

_GRANTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    # A view as simple as that could be written through.
    "REVOKE INSERT, UPDATE, DELETE ON taken_time FROM {role}",
)


class NoRole(Exception):
    """The role that policies bind is not there, and we may not make it."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"The role {ROLE} keeps businesses apart, and {user} may not make it. "
            f'Let an administrator run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO "{user}";'
        )


def separate(connection: psycopg.Connection[Any]) -> None:
    """Give every table of a business its policy, and the role its rights; safe to run again. Raises NoRole."""
    role = sql.Identifier(ROLE)
    _make_role(connection)
    for table in open_tables(connection):
        _close(connection, table)
    connection.execute(_TAKEN_TIME)
    for grant in _GRANTS:
        connection.execute(sql.SQL(grant).format(role=role))
    for table in CLOSED:
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), role))


def open_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the tables of businesses that have no policy."""
    return [str(table) for table, done in connection.execute(_TABLES, (POLICY,)).fetchall() if not done]


def _close(connection: psycopg.Connection[Any], table: str) -> None:
    """Let a table show and take the rows of the transaction's business only."""
    own = sql.SQL(f"{'id' if table == 'business' else 'business_id'} = {_CURRENT}")
    name, policy = sql.Identifier(table), sql.Identifier(POLICY)
    with connection.transaction():
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
        connection.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, name))
        connection.execute(sql.SQL("CREATE POLICY {} ON {} USING ({})").format(policy, name, own))


def _make_role(connection: psycopg.Connection[Any]) -> None:
    """Make the role unless it is there, and let ourselves take it on; roles are the whole server's."""
    user = connection.info.user
    try:
        with contextlib.suppress(DuplicateObject, UniqueViolation):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ROLE)))
        member = connection.execute("SELECT pg_has_role(%s, 'MEMBER')", (ROLE,)).fetchone()
        if member != (True,):
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(ROLE), sql.Identifier(user)))
        # Since PostgreSQL 16 who makes a role may hand it on, but not take it on.
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ROLE)))
        connection.execute("RESET ROLE")
    except InsufficientPrivilege as error:
        raise NoRole(user) from error
