"""The staff's end of a thread, through the console's own forms; and another customer."""

import re
from dataclasses import dataclass

import httpx

from booking_core import booking, catalog, customers
from booking_core.kit.clock import current_time
from booking_core.requests import VisitRequest
from tests.flows.others import write_absence
from tests.flows.world import World


@dataclass
class StaffDesk:
    """A signed-in member of staff in front of the one thread there is."""

    world: World
    http: httpx.AsyncClient

    _open = {}  # noqa: RUF012 - one desk for each world, kept while its conversation is played

    @classmethod
    async def at(cls, world: World) -> "StaffDesk":
        desk = cls._open.get(id(world))
        if desk is None:
            user = next(user for user in world.users if user.role == "staff")
            http = httpx.AsyncClient(base_url=world.settings.base_url, follow_redirects=True, timeout=30)
            page = await http.get("/console/login")
            form = {"email": user.email, "password": user.password, "csrf": _hidden(page.text, "csrf")}
            page = await http.post("/console/login", data=form)
            assert page.is_success, page.text
            desk = cls._open[id(world)] = cls(world, http)
        return desk

    async def _post(self, what: str, **fields: str) -> None:
        ((conversation,),) = await self.world.rows("SELECT id FROM conversation LIMIT 1")
        address = f"/console/threads/{conversation}"
        page = await self.http.get(address)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        page = await self.http.post(f"{address}/{what}", data=hidden | fields)
        assert page.is_success, f"{page.status_code} {page.text[:500]}"

    async def takes(self, _: object) -> None:
        await self._post("take")

    async def says(self, text: str) -> None:
        await self._post("reply", text=text)

    async def hands_back(self, _: object) -> None:
        await self._post("hand-back")

    async def decides(self, step: str) -> None:
        """Approve or decline the one request, by the button where it is read."""
        ((booking,),) = await self.world.rows("SELECT id FROM booking WHERE state = 'pending_approval'")
        address = f"/console/bookings/{booking}"
        page = await self.http.get(address)
        assert page.is_success, f"{page.status_code} {page.text[:500]}"
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        page = await self.http.post(f"{address}/{step}", data=hidden | {"tell": "on"})
        assert page.is_success, f"{page.status_code} {page.text[:500]}"

    async def is_away(self, what: dict[str, str]) -> None:
        """Somebody is ill for a day: it is written down, and other places are looked for with one button."""
        off = await write_absence(self.world, **what)
        address = f"/console/timeoff/{off}"
        page = await self.http.get(f"{address}/bookings")
        page = await self.http.post(f"{address}/propose", data={"csrf": _hidden(page.text, "csrf")})
        assert page.is_success, f"{page.status_code} {page.text[:500]}"


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found.group(1) if found else ""


async def another_takes_it(world: World) -> None:
    """Another customer books the very time that the only hold is about."""
    ((business_id, service_id, staff_id, starts),) = await world.rows(
        "SELECT business_id, service_id, staff_id, starts FROM booking"
    )
    async with world.system.db.transaction() as session:
        now = await current_time(session)
        other = await customers.load_or_create(
            session, business_id, None, name="Another Customer", locale="en", now=now
        )
        await booking.hold(
            session,
            catalog=await catalog.load_catalog(session, business_id),
            wanted=VisitRequest.one(service_id, staff_id),
            starts=starts,
            customer_id=other.id,
            conversation_id=None,
            key="another",
            now=now,
        )
