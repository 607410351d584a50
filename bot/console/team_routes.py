"""The team, for owners: who may sign in, and with which role."""

from typing import Annotated, cast, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.models import Business
from bot.console.access import AREAS, Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_text
from bot.console.pages import Pages
from bot.console.users import Role, create_user, new_password
from bot.models import User


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the list and the form that adds a person."""
    guest = Depends(door(desk, Area.TEAM))

    @router.get("/team")
    async def team(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        return await show(request, visitor)

    @router.post("/team")
    async def add(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        email = await read_text(request, "email", 320)
        name = await read_text(request, "name", 100)
        role = await read_text(request, "role", 20)
        if not name or role not in get_args(Role) or "@" not in email.strip("@"):
            return await show(request, visitor, problem="incomplete", status=400)
        password = new_password()
        async with desk.db.transaction(visitor.business_id) as session:
            business = await session.get_one(Business, visitor.business_id)
            made = await create_user(
                session, business, email=email, name=name, role=cast("Role", role), password=password
            )
        if made is None:
            return await show(request, visitor, problem="taken", status=409)
        # Shown this once; only its hash is kept.
        return await show(request, visitor, made=(made.email, password))

    async def show(
        request: Request,
        visitor: Visitor,
        *,
        problem: str = "",
        made: tuple[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            people = list(
                await session.scalars(
                    select(User).where(User.business_id == visitor.business_id).order_by(User.name, User.id)
                )
            )
        return pages.page(
            request,
            "team.html",
            visitor=visitor,
            now=now,
            status=status,
            area=Area.TEAM,
            people=people,
            roles=tuple(AREAS),
            problem=problem,
            made=made,
        )
