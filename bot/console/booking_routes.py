"""A booking's drawer: what is known of it, its buttons, and moving it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.clock import current_time
from booking_core.kit.ids import new_id
from booking_core.models import Booking, Location
from booking_core.refusals import BookingRefused, Reason
from bot.console.access import Area, Visitor, door
from bot.console.asked import read_date, read_id
from bot.console.calendar_actions import Target, move, take_step, try_move
from bot.console.desk import Desk
from bot.console.details import Details, Step, load_details
from bot.console.forms import read_key, read_number, read_text, wants_json
from bot.console.pages import Pages
from bot.console.wall import Wall, moment_on, read_clock
from bot.console.why import why


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add a booking's drawer and what can be done in it."""
    guest = Depends(door(desk, Area.CALENDAR))
    drawer = Drawer(desk, pages)

    @router.get("/bookings/{booking_id}")
    async def booking(request: Request, booking_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await drawer.show(request, visitor, booking_id)

    @router.get("/bookings/{booking_id}/move")
    async def plan(request: Request, booking_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await drawer.plan(request, visitor, booking_id, request.query_params)

    @router.post("/bookings/{booking_id}/move")
    async def moved(request: Request, booking_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await drawer.move(request, visitor, booking_id)

    @router.post("/bookings/{booking_id}/{step}")
    async def stepped(request: Request, booking_id: UUID, step: Step, visitor: Annotated[Visitor, guest]) -> Response:
        return await drawer.take(request, visitor, booking_id, step)


@dataclass(frozen=True, slots=True)
class Drawer:
    """Shows a booking, as a page or as a part of one, before and after a step."""

    desk: Desk
    pages: Pages

    async def show(
        self,
        request: Request,
        visitor: Visitor,
        booking_id: UUID,
        *,
        refused: BookingRefused | None = None,
        said: str = "",
    ) -> Response:
        """Return the booking as it is now, and why something was refused."""
        async with self.desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            details = await load_details(session, catalog, booking_id, language=visitor.language, now=now)
        wall = Wall(visitor.locale, details.place.timezone, now)
        problem = why(self.desk.words, visitor.language, wall, refused) if refused else ""
        context: dict[str, Any] = {"one": details, "problem": problem, "place": details.place}
        status = 409 if refused else 200
        if wants_json(request):
            html = self.pages.render(request, "_booking.html", visitor=visitor, now=now, **context)
            return JSONResponse({"html": html, "problem": problem, "said": said}, status)
        return self.pages.page(
            request, "booking.html", visitor=visitor, now=now, area=Area.CALENDAR, status=status, **context
        )

    async def take(self, request: Request, visitor: Visitor, booking_id: UUID, step: Step) -> Response:
        """Take a step in one transaction; a refusal shows the booking as it is now, and why."""
        version = await read_number(request, "version")
        tell = bool(await read_text(request, "tell", 5))
        by_customer = await read_text(request, "by", 10) == "customer"
        try:
            async with self.desk.db.transaction(visitor.business_id) as session:
                now = await current_time(session)
                await take_step(
                    session, self.desk, visitor, booking_id, step,
                    version=version, tell=tell, by_customer=by_customer, now=now,
                )  # fmt: skip
        except BookingRefused as refused:
            return await self._refused(request, visitor, booking_id, refused)
        if wants_json(request):
            said = self.desk.words.text(visitor.language, f"console.booking.done.{step.value}")
            return await self.show(request, visitor, booking_id, said=said)
        return RedirectResponse(f"/console/bookings/{booking_id}", 303)

    async def plan(
        self, request: Request, visitor: Visitor, booking_id: UUID, query: Mapping[str, str], *, problem: str = ""
    ) -> Response:
        """Return the form that moves a booking: with a time, what the move would come to."""
        async with self.desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            details = await load_details(session, catalog, booking_id, language=visitor.language, now=now)
        wall = Wall(visitor.locale, details.place.timezone, now)
        target = _target(query, catalog, details)
        context = _plan_context(catalog, details, target, wall) | {"problem": problem}
        status = 200
        if target is not None and not problem:
            version = int(text) if (text := query.get("version", "")).isascii() and text.isdigit() else None
            tried = await try_move(self.desk, visitor, booking_id, target, catalog=catalog, version=version, now=now)
            reason = why(self.desk.words, visitor.language, wall, tried.refused) if tried.refused else ""
            context |= {"moved": tried.moved, "anyway": tried.anyway, "warning": reason if tried.moved else ""}
            if tried.moved is None:
                context["problem"], status = reason, 409
        return self._form(request, visitor, now, context, status)

    async def move(self, request: Request, visitor: Visitor, booking_id: UUID) -> Response:
        """Move a booking as its form says."""
        fields = {name: await read_text(request, name, 60) for name in ("day", "time", "staff")}
        version = await read_number(request, "version")
        key = f"console:{await read_key(request)}"
        tell, anyway = [bool(await read_text(request, name, 5)) for name in ("tell", "anyway")]
        try:
            async with self.desk.db.transaction(visitor.business_id) as session:
                now = await current_time(session)
                catalog = await load_catalog(session, visitor.business_id)
                details = await load_details(session, catalog, booking_id, language=visitor.language, now=now)
                target = _target(fields, catalog, details)
                if target is None:
                    raise BookingRefused(Reason.UNKNOWN)
                moved = await move(
                    session, self.desk, visitor, booking_id, target,
                    catalog=catalog, version=version, tell=tell, anyway=anyway, key=key, now=now,
                )  # fmt: skip
        except BookingRefused as refused:
            return await self._refused_move(request, visitor, booking_id, fields, refused)
        if wants_json(request):
            wall = Wall(visitor.locale, details.place.timezone, now)
            said = self.desk.words.text(visitor.language, "console.booking.done.move", when=wall.full(moved.starts))
            return JSONResponse({"said": said, "booking": str(booking_id)})
        return RedirectResponse(f"/console/bookings/{booking_id}", 303)

    async def _refused(self, request: Request, visitor: Visitor, booking_id: UUID, refused: BookingRefused) -> Response:
        if refused.reason is Reason.UNKNOWN:
            raise LookupError("no such booking") from None
        return await self.show(request, visitor, booking_id, refused=refused)

    async def _refused_move(
        self, request: Request, visitor: Visitor, booking_id: UUID, fields: dict[str, str], refused: BookingRefused
    ) -> Response:
        async with self.desk.db.transaction(visitor.business_id) as session:
            place = await _place_of(session, visitor, booking_id)
            now = await current_time(session)
        problem = why(self.desk.words, visitor.language, Wall(visitor.locale, place.timezone, now), refused)
        answer = await self.plan(request, visitor, booking_id, fields, problem=problem)
        answer.status_code = 409
        return answer

    def _form(
        self, request: Request, visitor: Visitor, now: datetime, context: dict[str, Any], status: int
    ) -> Response:
        if wants_json(request):
            html = self.pages.render(request, "_move.html", visitor=visitor, now=now, **context)
            return JSONResponse({"html": html, "problem": context["problem"]}, status)
        return self.pages.page(
            request, "move.html", visitor=visitor, now=now, area=Area.CALENDAR, status=status, **context
        )


async def _place_of(session: AsyncSession, visitor: Visitor, booking_id: UUID) -> Location:
    booking = await session.get(Booking, (visitor.business_id, booking_id))
    if booking is None:
        raise LookupError("no such booking")
    return (await load_catalog(session, visitor.business_id)).location(booking.location_id)


def _target(fields: Mapping[str, str], catalog: Catalog, details: Details) -> Target | None:
    """Return where a form or an address would move a booking; None if it does not say."""
    day, minute = read_date(fields.get("day", "")), read_clock(fields.get("time", ""))
    if day is None or minute is None:
        return None
    staff_id = read_id(fields.get("staff", ""))
    known = {one.id for one in catalog.staff}
    return Target(moment_on(day, minute, details.place.timezone), staff_id if staff_id in known else None)


def _plan_context(catalog: Catalog, details: Details, target: Target | None, wall: Wall) -> dict[str, Any]:
    booking = details.booking
    starts = target.starts if target else booking.starts
    staff_id = target.staff_id if target else booking.staff_id
    return {
        "one": details,
        "place": details.place,
        "day": wall.local_date(starts),
        "time": wall.field_clock(starts, details.place.timezone),
        "staff_id": staff_id,
        "people": [one for one in catalog.staff if one.id in catalog.staff_for(booking.service_id)],
        "target": target,
        "moved": None,
        "anyway": False,
        "warning": "",
        "names": {one.id: one.name for one in catalog.staff},
        "key": new_id(),
    }
