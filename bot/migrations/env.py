"""Alembic's entry: only the composing room knows all tables."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine, pool

import booking_core.kit.clock
import booking_core.models  # noqa: F401
import bot.api.models
import bot.models
import bot.sandbox.models  # noqa: F401
import channels.models  # noqa: F401
import payment_links.models  # noqa: F401
from booking_core.kit.db import Base, UTCDateTime


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are in PostgreSQL: migrations import nothing of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_item,
        include_name=lambda name, kind, _parents: not (kind == "table" and str(name).startswith("procrastinate_")),
    )
    with context.begin_transaction():
        context.run_migrations()
