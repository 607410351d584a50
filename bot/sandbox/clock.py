"""`/sandbox/clock`: the system's clock, and how it is moved."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, BeforeValidator, Field
from sqlalchemy import func, select

from booking_core.kit.clock import advance_clock, current_time
from booking_core.models import Reminder
from bot.sandbox.stage import Stage

#: One move; a customer's thread does not last longer.
FURTHEST = timedelta(days=366)


class ClockTold(BaseModel):
    """The system's time, and when the next reminder is due."""

    now: datetime
    next_reminder: datetime | None


def _iso_8601(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("P"):
        raise ValueError("an ISO 8601 duration, such as PT24H")
    return value


class ClockMove(BaseModel):
    """How far to move the clock, as an ISO 8601 duration such as PT24H."""

    advance: Annotated[timedelta, BeforeValidator(_iso_8601)] = Field(
        description="ISO 8601 duration, such as PT24H or P1D"
    )


def router_for(stage: Stage) -> APIRouter:
    """Return GET and POST /sandbox/clock."""
    router = APIRouter(prefix="/sandbox", tags=["sandbox"])

    @router.get("/clock")
    async def clock() -> ClockTold:
        """Tell the system's time."""
        return await told()

    @router.post("/clock")
    async def move(asked: ClockMove) -> ClockTold:
        """Move the system's clock forward."""
        if not timedelta(0) <= asked.advance <= FURTHEST:
            raise HTTPException(422, "the clock moves forward, by at most a year at once")
        async with stage.db.transaction() as session:
            await advance_clock(session, asked.advance)
        return await told()

    async def told() -> ClockTold:
        async with stage.db.transaction() as session:
            now = await current_time(session)
            due = await session.scalar(select(func.min(Reminder.due_at)).where(Reminder.state == "due"))
        return ClockTold(now=now, next_reminder=due)

    return router
