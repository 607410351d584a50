"""Whose rows a transaction may touch: one business's, by the database's own rules, or everybody's.

The tables' policies (`bot/separation.py`) hold for the role that a business's transaction takes on. It says so
in the message that opens it, so that it costs no round trip (docs/decisions/0015-the-database-separates.md).
"""

from typing import Any
from uuid import UUID

from psycopg import Error
from psycopg.pq import TransactionStatus
from sqlalchemy import ColumnElement, Connection, Text, cast, event, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Session, SessionTransaction
from sqlalchemy.util import await_only

from booking_core.kit.statements import BEGINS, as_sessions

#: The role of a transaction that is one business's: it owns no table, so that policies bind it.
ROLE = "threadbook_app"
#: The setting that names the business.
BUSINESS = "threadbook.business"

#: What a statement written out selects beside a `business_id`, to let the rest of the transaction be that business's.
NARROW = f"set_config('role', '{ROLE}', true) || set_config('{BUSINESS}', business_id::text, true)"
_NARROW = text(f"SELECT set_config('role', '{ROLE}', true), set_config('{BUSINESS}', :business, true)")
#: The business of a secret that names none: its transaction finds nothing.
NOBODY = UUID(int=0)


class ScopedSession(Session):
    """A session whose transactions begin as its scope says."""


def beginning(business_id: UUID | None) -> str:
    """Return what opens a transaction: of one business, or of all."""
    if business_id is None:
        return "BEGIN"
    # Inlined: SET takes no parameters. A UUID's text holds nothing but digits, letters and hyphens.
    return f"BEGIN; SET LOCAL ROLE {ROLE}; SET LOCAL {BUSINESS} = '{UUID(int=business_id.int)}'"


def narrowing(business_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]) -> tuple[ColumnElement[str], ...]:
    """Return columns that a query selects beside its one row, to let the rest of the transaction be that business's."""
    return func.set_config("role", ROLE, True), func.set_config(BUSINESS, cast(business_id, Text), True)


async def narrow(session: AsyncSession, business_id: UUID) -> None:
    """Let the rest of a transaction, which had to find out whose it is, be one business's."""
    await session.flush()
    await session.execute(_NARROW, {"business": str(business_id)})


@event.listens_for(ScopedSession, "after_begin")
def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    # A savepoint is no beginning, and a statement on the driver may have begun already.
    if driver.info.transaction_status is TransactionStatus.IDLE:
        begins = session.info[BEGINS]
        if not begins:
            raise RuntimeError("a statement alone goes to the driver: a session needs a transaction")
        try:
            await_only(driver.execute(begins, prepare=False))
        except Error as error:
            raise as_sessions(error, begins) from error
