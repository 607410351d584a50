"""Tasks: what only a person can settle."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select

from booking_core.kit.clock import current_time
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.pages import Pages
from bot.models import StaffTask, User

MOST_OPEN = 200
MOST_DONE = 20


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the list and its one button."""
    guest = Depends(door(desk, Area.TASKS))

    @router.get("/tasks")
    async def tasks(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        mine = select(StaffTask).where(StaffTask.business_id == visitor.business_id)
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            still = await session.scalars(
                mine.where(StaffTask.done_at.is_(None)).order_by(StaffTask.created_at, StaffTask.id).limit(MOST_OPEN)
            )
            done = await session.scalars(
                mine.where(StaffTask.done_at.is_not(None)).order_by(StaffTask.done_at.desc()).limit(MOST_DONE)
            )
            people = await session.execute(select(User.id, User.name).where(User.business_id == visitor.business_id))
            context: dict[str, Any] = {"still": list(still), "done": list(done), "people": dict(people.tuples().all())}
        return pages.page(request, "tasks.html", visitor=visitor, now=now, area=Area.TASKS, **context)

    @router.post("/tasks/{task_id}/done")
    async def done(task_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            task = await session.get(StaffTask, (visitor.business_id, task_id), with_for_update=True)
            if task is None:
                raise LookupError("no such task")
            if task.done_at is None:  # whoever was first stays named
                task.done_at, task.done_by = now, visitor.user_id
        return RedirectResponse("/console/tasks", 303)
