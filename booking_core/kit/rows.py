"""Rows that a statement of our own has read or written, as objects of the session: no second look at the database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, manager_of_class, set_committed_value

from booking_core.kit.db import Base

Kind = TypeVar("Kind", bound=Base)


@cache
def names(kind: type[Base]) -> tuple[str, ...]:
    """Return the attributes of a table, in the order of `columns`."""
    return tuple(inspect(kind).column_attrs.keys())


@cache
def columns(kind: type[Base], alias: str = "") -> str:
    """Return the columns of a table as a statement lists them."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{inspect(kind).column_attrs[name].columns[0].name}" for name in names(kind))


def from_row(session: AsyncSession, kind: type[Kind], row: Sequence[Any]) -> Kind:
    """Return the object of a row that was read with `columns`; its moments are in UTC."""
    values = (one.astimezone(UTC) if isinstance(one, datetime) else one for one in row)
    return attached(session, kind, dict(zip(names(kind), values, strict=True)))


def attached(session: AsyncSession, kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """Return a row of which every value is known as an object of this session; one that it has already is set anew."""
    known = session.sync_session.identity_map.get(_key(kind, values))
    if known is not None:
        for name, value in values.items():
            set_committed_value(known, name, value)
        found: Kind = known
        return found
    # Making objects as those of rows that are read are made: setting each attribute of a new one takes far longer.
    made: Kind = manager_of_class(kind).new_instance()
    instance_dict(made).update(values)
    make_transient_to_detached(made)
    session.add(made)
    return made


def _key(kind: type[Base], values: Mapping[str, Any]) -> Any:
    mapper = inspect(kind)
    return mapper.identity_key_from_primary_key(
        tuple(values[mapper.get_property_by_column(column).key] for column in mapper.primary_key)
    )
