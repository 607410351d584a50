"""`/sandbox/stripe/checkout`: the page on which a customer pays, and its buttons by HTTP."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from babel.numbers import format_currency
from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import BusinessId
from booking_core.kit.money import exponent
from booking_core.models import Business
from bot.sandbox.stage import Stage, find
from bot.sandbox.stripe_errors import StripeRefused
from bot.sandbox.stripe_sessions import (
    ASKED,
    CARDS,
    DECLINED_CARD,
    DECLINES,
    GOOD_CARD,
    PageClosed,
    expire_session,
    load_session,
    pay,
)

PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape())
#: Form posts go back here; the way to the shop's pages is a redirect, which form-action judges too.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:;"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def router_for(stage: Stage) -> APIRouter:
    """Return the Checkout page and what its buttons do."""
    router = APIRouter(prefix="/sandbox/stripe/checkout", tags=["sandbox"])

    @router.get("/{session}", include_in_schema=False)
    async def page(session: str, locale: str | None = None, declined: str | None = None) -> HTMLResponse:
        try:
            async with stage.db.transaction() as transaction:
                found = await load_session(stage, transaction, session, for_update=True)
                view = await _view(stage, transaction, found, locale, declined)
        except StripeRefused:
            raise HTTPException(404, "no such page") from None
        status = 200 if found["status"] != "expired" else 410
        return HTMLResponse(PAGES.get_template("checkout.html").render(view), status, headers=_HEADERS)

    @router.post("/{session}/pay")
    async def paid(request: Request, session: str, card: Annotated[str, Form(max_length=40)] = GOOD_CARD) -> Response:
        """Pay with a test card (docs.stripe.com/testing); 4242 4242 4242 4242 unless another is named."""
        return await _attempt(stage, request, session, "".join(card.split()))

    @router.post("/{session}/decline")
    async def declined(request: Request, session: str) -> Response:
        """Try a card that the bank declines: the page stays open."""
        return await _attempt(stage, request, session, DECLINED_CARD)

    @router.post("/{session}/expire")
    async def expired(request: Request, session: str) -> Response:
        """End the page before its time, as Stripe would when nobody pays."""
        try:
            async with stage.db.transaction() as transaction:
                found = await expire_session(stage, transaction, session)
        except StripeRefused as refused:
            raise HTTPException(404 if refused.status == 404 else 409, refused.message) from None
        return _answer(request, found, f"/sandbox/stripe/checkout/{session}")

    return router


async def _attempt(stage: Stage, request: Request, name: str, card: str) -> Response:
    here = f"/sandbox/stripe/checkout/{name}"
    if card not in CARDS:
        if _is_browser(request):
            return RedirectResponse(f"{here}?declined=invalid_number", 303)
        raise HTTPException(422, f"a test card: one of {', '.join(CARDS)}")
    try:
        async with stage.db.transaction() as session:
            found = await pay(stage, session, name, card)
    except PageClosed as closed:
        if _is_browser(request):
            return RedirectResponse(here, 303)
        raise HTTPException(409, f"the page is {closed.status}") from None
    except StripeRefused:
        raise HTTPException(404, "no such page") from None
    if found["payment_status"] == "paid":
        address = str(found["success_url"] or here).replace("{CHECKOUT_SESSION_ID}", name)
        return _answer(request, found, address)
    return _answer(request, found, f"{here}?declined={DECLINES[card][1]}")


def _answer(request: Request, found: dict[str, Any], address: str) -> Response:
    if _is_browser(request):
        return RedirectResponse(address, 303)
    return JSONResponse(
        {"id": found["id"], "status": found["status"], "payment_status": found["payment_status"], "next": address}
    )


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _view(
    stage: Stage, session: AsyncSession, found: dict[str, Any], locale: str | None, declined: str | None
) -> dict[str, Any]:
    chosen = locale or found["locale"] or "en"
    language = chosen.replace("_", "-").split("-")[0].lower()
    language = language if language in stage.words.languages else "en"
    asked = await find(session, f"asked:{found['id']}", ASKED)

    def text(key: str, **values: object) -> str:
        return stage.words.text(language, f"sandbox.checkout.{key}", None, **values)

    def money(amount: int) -> str:
        currency = found["currency"].upper()
        return format_currency(amount / 10 ** exponent(currency), currency, locale=language)

    items = [
        {
            "name": item["price_data"]["product_data"]["name"],
            "quantity": int(item.get("quantity", "1")),
            "amount": money(int(item["price_data"]["unit_amount"]) * int(item.get("quantity", "1"))),
        }
        for item in (asked.body["items"] if asked else [])
    ]
    reasons = {"generic_decline", "insufficient_funds", "expired_card", "incorrect_cvc", "invalid_number"}
    return {
        "text": text,
        "language": language,
        "found": found,
        "items": items,
        "total": money(found["amount_total"]),
        "business": await _business_name(session, found) or text("business"),
        "fault": text(f"declined_{declined}") if declined in reasons else None,
        "cards": CARDS,
    }


async def _business_name(session: AsyncSession, found: dict[str, Any]) -> str | None:
    try:
        key = BusinessId(UUID(found["metadata"]["business_id"]))
    except (KeyError, ValueError):
        return None
    return await session.scalar(select(Business.name).where(Business.id == key))
