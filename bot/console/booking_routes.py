"""A booking's drawer: what is known of it, its buttons, and moving it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import load_catalog
from booking_core.kit.clock import current_time
from booking_core.kit.ids import new_id
from booking_core.models import Booking, Location
from booking_core.refusals import BookingRefused, Reason
from bot.console.access import Area, Visitor, door
from bot.console.calendar_actions import take_step
from bot.console.desk import Desk
from bot.console.details import Step, load_details
from bot.console.forms import read_form, read_key, read_number, read_text, wants_json
from bot.console.moving import changes_of, form_of, move, read_target, try_move
from bot.console.pages import Pages
from bot.console.wall import Wall
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
        query = request.query_params
        return await drawer.plan(request, visitor, booking_id, query, query.getlist("give"))

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
        self,
        request: Request,
        visitor: Visitor,
        booking_id: UUID,
        query: Mapping[str, str],
        gives: Sequence[str],
        *,
        problem: str = "",
    ) -> Response:
        """Return the form that moves a booking: with a time, what the move would come to."""
        async with self.desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            details = await load_details(session, catalog, booking_id, language=visitor.language, now=now)
        wall = Wall(visitor.locale, details.place.timezone, now)
        target = read_target(query, gives, catalog, details)
        context = form_of(catalog, details, target, visitor.language) | {
            "one": details,
            "place": details.place,
            "day": wall.local_date(target.starts if target else details.booking.starts),
            "target": target,
            "moved": None,
            "changes": [],
            "anyway": False,
            "warning": "",
            "problem": problem,
            "key": new_id(),
        }
        context["time"] = wall.field_clock(context["starts"], details.place.timezone)
        status = 200
        if target is not None and not problem:
            version = int(text) if (text := query.get("version", "")).isascii() and text.isdigit() else None
            tried = await try_move(self.desk, visitor, booking_id, target, catalog=catalog, version=version, now=now)
            reason = why(self.desk.words, visitor.language, wall, tried.refused) if tried.refused else ""
            context |= {"moved": tried.moved, "anyway": tried.anyway, "warning": reason if tried.moved else ""}
            if tried.moved is None:
                context["problem"], status = reason, 409
            else:
                context["changes"] = changes_of(catalog, details, tried.moved, wall, visitor.language)
        return self._form(request, visitor, now, context, status)

    async def move(self, request: Request, visitor: Visitor, booking_id: UUID) -> Response:
        """Move a booking as its form says."""
        fields = {name: await read_text(request, name, 60) for name in ("day", "time", "staff")}
        gives = [str(one) for one in (await read_form(request)).getlist("give")]
        version = await read_number(request, "version")
        key = f"console:{await read_key(request)}"
        tell, anyway = [bool(await read_text(request, name, 5)) for name in ("tell", "anyway")]
        try:
            async with self.desk.db.transaction(visitor.business_id) as session:
                now = await current_time(session)
                catalog = await load_catalog(session, visitor.business_id)
                details = await load_details(session, catalog, booking_id, language=visitor.language, now=now)
                target = read_target(fields, gives, catalog, details)
                if target is None:
                    raise BookingRefused(Reason.UNKNOWN)
                began = details.booking.starts
                moved = await move(
                    session, self.desk, visitor, booking_id, target,
                    catalog=catalog, version=version, tell=tell, anyway=anyway, key=key, now=now,
                )  # fmt: skip
        except BookingRefused as refused:
            return await self._refused_move(request, visitor, booking_id, fields, gives, refused)
        if wants_json(request):
            wall = Wall(visitor.locale, details.place.timezone, now)
            done = "give" if target.gives and moved.starts == began else "move"
            said = self.desk.words.text(visitor.language, f"console.booking.done.{done}", when=wall.full(moved.starts))
            return JSONResponse({"said": said, "booking": str(booking_id)})
        return RedirectResponse(f"/console/bookings/{booking_id}", 303)

    async def _refused(self, request: Request, visitor: Visitor, booking_id: UUID, refused: BookingRefused) -> Response:
        if refused.reason is Reason.UNKNOWN:
            raise LookupError("no such booking") from None
        return await self.show(request, visitor, booking_id, refused=refused)

    async def _refused_move(
        self,
        request: Request,
        visitor: Visitor,
        booking_id: UUID,
        fields: Mapping[str, str],
        gives: Sequence[str],
        refused: BookingRefused,
    ) -> Response:
        async with self.desk.db.transaction(visitor.business_id) as session:
            place = await _place_of(session, visitor, booking_id)
            now = await current_time(session)
        problem = why(self.desk.words, visitor.language, Wall(visitor.locale, place.timezone, now), refused)
        answer = await self.plan(request, visitor, booking_id, fields, gives, problem=problem)
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
