"""Ways to write to us: links and codes for every channel, and a sheet of them to print."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from babel import Locale
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from booking_core.models import Business
from bot.console import ways
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.languages import languages
from bot.console.pages import Pages
from bot.words import language_of
from channels import accounts

#: What a sheet says, besides each channel's own lines (`console.ways.sheet.*`).
SHEET_WORDS = ("title", "lead", "scan")


@dataclass(frozen=True, slots=True)
class Offer:
    """A business's ways, and what else its page says."""

    business: Business
    language: str
    found: list[ways.Way]


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the page, its sheet, and each code as a file."""
    guest = Depends(door(desk, Area.WAYS))

    async def load(visitor: Visitor, asked: str = "") -> Offer:
        """Return the ways, greeting in the language that is asked for, else in the business's own."""
        async with desk.db.transaction(visitor.business_id) as session:
            business = await session.get_one(Business, visitor.business_id)
            known = await accounts.load_accounts(session, visitor.business_id)
        own = language_of(business.default_locale)
        spoken = languages(desk.words)
        language = next(one for one in (asked, own, "en") if one in spoken)
        greeting = desk.words.text(language, "console.ways.greeting")
        return Offer(business, language, ways.ways_for(known, base_url=desk.settings.base_url, greeting=greeting))

    @router.get("/ways")
    async def listed(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        offer = await load(visitor)
        return pages.page(
            request,
            "ways.html",
            visitor=visitor,
            area=Area.WAYS,
            ways=offer.found,
            code=ways.code_in_page,
            websites=ways.websites(offer.business.settings),
            sandbox=desk.settings.sandbox,
        )

    @router.get("/ways/sheet")
    async def sheet(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        offer = await load(visitor, request.query_params.get("lang", ""))
        possible = [way for way in offer.found if way.link]
        wanted = set(request.query_params.getlist("way"))
        chosen = [way for way in possible if str(way.account_id) in wanted] or possible
        text = desk.words.text
        return pages.page(
            request,
            "ways_sheet.html",
            visitor=visitor,
            possible=possible,
            chosen=chosen,
            code=ways.code_in_page,
            sheet_language=offer.language,
            sheet_direction=Locale.parse(offer.language).text_direction,
            said={key: text(offer.language, f"console.ways.sheet.{key}") for key in (*SHEET_WORDS, *ways.ORDER)},
        )

    @router.get("/ways/{account_id}/qr.svg")
    async def as_svg(account_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        way = await find(visitor, account_id)
        return _file(ways.code_as_svg(way.link), f"{way.channel}.svg", "image/svg+xml")

    @router.get("/ways/{account_id}/qr.png")
    async def as_png(account_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        way = await find(visitor, account_id)
        return _file(ways.code_as_png(way.link), f"{way.channel}.png", "image/png")

    async def find(visitor: Visitor, account_id: UUID) -> ways.Way:
        for way in (await load(visitor)).found:
            if way.account_id == account_id and way.link:
                return way
        raise LookupError("no such way")


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="qr-{name}"'})
