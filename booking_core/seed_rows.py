"""Rows brought to what a file says, writing only what differs: an unchanged catalog keeps its version.

Dated rows (days with other hours, time off, zones) may also have been entered in the console. Those of the
file are known by their ids, which are made of what they say (UUID version 5); all others are left alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Base
from booking_core.models import Location, Service, Staff

Named = TypeVar("Named", Location, Service, Staff)
Row = TypeVar("Row", bound=Base)
Facts = Mapping[str, Any]


async def rows_of(session: AsyncSession, table: type[Row], business_id: UUID) -> list[Row]:
    """Return all rows that a business has in a table."""
    return list(await session.scalars(select(table).where(table.__table__.c.business_id == business_id)))


async def named(
    session: AsyncSession, table: type[Named], business_id: UUID, wanted: Collection[str]
) -> dict[str, Named]:
    """Return rows by name, the one on offer before others of its name; what is not wanted is not offered any more."""
    rows = sorted(await rows_of(session, table, business_id), key=lambda row: row.active)
    found = {row.name: row for row in rows}
    for row in rows:
        if row.name not in wanted or found[row.name] is not row:
            write(row, {"active": False})
    return found


def write(row: Base, facts: Facts) -> None:
    """Set what differs."""
    for name, value in facts.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


async def keep(
    session: AsyncSession, table: type[Row], known: Iterable[Row], keys: Sequence[str], wanted: Iterable[Facts]
) -> None:
    """Bring rows to what is wanted; those that agree in `keys` are the same row and keep their id."""
    left: dict[tuple[Any, ...], Row] = {}
    for row in known:
        key = tuple(getattr(row, name) for name in keys)
        if key in left:
            await session.delete(row)
        else:
            left[key] = row
    for facts in wanted:
        found = left.pop(tuple(facts[name] for name in keys), None)
        if found is None:
            session.add(table(**facts))
        else:
            write(found, facts)
    for row in left.values():
        await session.delete(row)


def id_of(owner: UUID, facts: Facts, says: Sequence[str]) -> UUID:
    """Return the id of a row of the file: whose it is and what it says."""
    return uuid5(owner, "|".join(str(facts[name]) for name in says))


async def keep_dated(
    session: AsyncSession,
    table: type[Row],
    owner: UUID,
    known: Iterable[Row],
    says: Sequence[str],
    wanted: Iterable[Facts],
) -> None:
    """Bring the file's rows of one owner to what is wanted; `says`: the columns that their ids are made of.

    What was entered in the console stays, and so does a row of the file that was changed there.
    """
    here: dict[Any, Row] = {}
    contents: set[tuple[Any, ...]] = set()
    for row in known:
        here[getattr(row, "id")] = row  # noqa: B009 - every dated row has one
        contents.add(tuple(getattr(row, name) for name in says))
    for facts in wanted:
        own = id_of(owner, facts, says)
        if here.pop(own, None) is None and tuple(facts[name] for name in says) not in contents:
            session.add(table(id=own, **facts))
    for key, row in here.items():
        if key == id_of(owner, {name: getattr(row, name) for name in says}, says):
            await session.delete(row)
