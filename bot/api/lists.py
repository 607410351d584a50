"""Reading one page of a table, in an order that new rows do not disturb."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import Select, Uuid, tuple_

from booking_core.kit.db import UTCDateTime
from bot.api.call import Call
from bot.api.cursors import LONGEST, next_page, read_cursor, scope_of, write_cursor
from bot.api.fields import Item, Page

Row = TypeVar("Row")

#: How much of a list is wanted.
Limit = Annotated[int, Query(ge=1, le=100, description="Items on one page.")]
#: Where to go on: from `next`.
Cursor = Annotated[str | None, Query(max_length=LONGEST, description="Where to go on; it stands in `next`.")]


async def read_page(
    call: Call,
    response: Response,
    query: Select[Row],
    *,
    order: Sequence[Any],
    show: Callable[[Row], Item],
    cursor: str | None,
    limit: int,
    descending: bool = False,
) -> Page[Item]:
    """Return the rows after the cursor's, shown, in the order of columns that together are unique."""
    rows, following = await read_rows(
        call, response, query, order=order, cursor=cursor, limit=limit, descending=descending
    )
    return Page(items=[show(row) for row in rows], next=following)


async def read_rows(
    call: Call,
    response: Response,
    query: Select[Row],
    *,
    order: Sequence[Any],
    cursor: str | None,
    limit: int,
    descending: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """Return the rows of one page, and the address of the next if there is one."""
    secret, scope = call.system.settings.derived("api cursors"), scope_of(call.request, call.business_id)
    if cursor is not None:
        place = [_read(column, value) for column, value in zip(order, read_cursor(secret, scope, cursor), strict=True)]
        query = query.where(tuple_(*order) < tuple_(*place) if descending else tuple_(*order) > tuple_(*place))
    sorting = [column.desc() for column in order] if descending else list(order)
    rows = list(await call.session.scalars(query.order_by(*sorting).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last = [_write(getattr(rows[limit - 1], column.key)) for column in order]
    return rows[:limit], next_page(call.request, response, write_cursor(secret, scope, last))


def _write(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else int(value)


def _read(column: Any, value: Any) -> Any:
    if isinstance(column.type, UTCDateTime):
        return datetime.fromisoformat(value)
    return UUID(value) if isinstance(column.type, Uuid) else int(value)
