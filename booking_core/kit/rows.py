"""Rows that a statement of our own has read or written, as objects of the session: no second look at the database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import instance_dict, instance_state, manager_of_class, set_committed_value

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
    key = _key(kind, values)
    known = session.sync_session.identity_map.get(key)
    if known is not None:
        for name, value in values.items():
            set_committed_value(known, name, value)
        found: Kind = known
        return found
    # Made and kept as the session's own loading does with a row: to hand it an object takes far longer.
    made: Kind = manager_of_class(kind).new_instance()
    state, present = instance_state(made), instance_dict(made)
    present.update(values)
    state.key, state.session_id = key, session.sync_session.hash_key
    state._commit_all(present)  # noqa: SLF001
    session.sync_session.identity_map.add(state)
    return made


def _key(kind: type[Base], values: Mapping[str, Any]) -> Any:
    mapper = inspect(kind)
    return mapper.identity_key_from_primary_key(tuple(values[name] for name in _key_names(kind)))


@cache
def _key_names(kind: type[Base]) -> tuple[str, ...]:
    mapper = inspect(kind)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
