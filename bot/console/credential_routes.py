"""A business's own accounts at the vendors, for owners: given, replaced, taken away; what was given is never shown."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from booking_core.kit.clock import current_time
from booking_core.kit.jobs import Job, defer
from booking_core.models import Business
from bot import credentials
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_text
from bot.console.pages import Pages
from bot.credential_shapes import OPEN, WANTED, Provider, Unusable, checked
from bot.vault import NoKey, Vault
from bot.vendors import own_vendor
from channels.accounts import AccountTaken

log = logging.getLogger(__name__)

#: Longer than any credential.
LONGEST_VALUE = 300
#: Longer than a process may go without looking for what has changed (`bot/own_lines.py`).
TELL_AFTER = timedelta(seconds=2)
#: Where a vendor's own console must be told our address: its doors, by provider.
DOORS = {Provider.TWILIO: ("sms", "whatsapp"), Provider.STRIPE: ("stripe",)}

Problems = Sequence[tuple[str, str]]


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the page and its forms."""
    guest = Depends(door(desk, Area.CREDENTIALS))
    vault = Vault.of(desk.settings.vault_keys.get_secret_value())

    @router.get("/credentials")
    async def listed(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        return await show(request, visitor)

    @router.post("/credentials/{provider}")
    async def give(request: Request, provider: Provider, visitor: Annotated[Visitor, guest]) -> Response:
        given = {name: await read_text(request, name, LONGEST_VALUE) for name in WANTED[provider].names}
        try:
            values = checked(provider, given)
            async with desk.db.transaction(visitor.business_id) as session:
                await credentials.keep(session, vault, visitor.business_id, provider, values)
                vendors = own_vendor(desk.settings, provider, values)
                await credentials.open_accounts(session, visitor.business_id, vendors)
                if provider is Provider.TELEGRAM:
                    # A worker tells it where its door is: nothing here calls a vendor. By then it knows the token.
                    await defer(session, Job.TELL_BOT, delay=TELL_AFTER, business_id=str(visitor.business_id))
        except Unusable as refused:
            return await show(request, visitor, provider, [(name, wrong.value) for name, wrong in refused.wrong])
        except AccountTaken:
            return await show(request, visitor, provider, [("", "taken")])
        except NoKey:
            return await show(request, visitor, provider, [("", "no_key")])
        log.info("credentials of %s given by %s", provider, visitor.user_id)
        return RedirectResponse(f"/console/credentials?kept={provider}", 303)

    @router.post("/credentials/{provider}/remove")
    async def take_away(provider: Provider, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            if not await credentials.remove(session, visitor.business_id, provider):
                raise LookupError("no such credentials")
        log.info("credentials of %s taken away by %s", provider, visitor.user_id)
        return RedirectResponse(f"/console/credentials?removed={provider}", 303)

    async def show(
        request: Request, visitor: Visitor, provider: Provider | None = None, problems: Problems = ()
    ) -> Response:
        """Return the page. What was refused has to be typed again: nothing that was given comes back."""
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            business = await session.get_one(Business, visitor.business_id)
            rows = {row.kind: row for row in await credentials.kept(session)}
        base = desk.settings.base_url.rstrip("/")
        ends = {"sms": "sms", "whatsapp": "whatsapp", "stripe": f"stripe/{business.slug}"}
        return pages.page(
            request,
            "credentials.html",
            visitor=visitor,
            now=now,
            status=400 if problems else 200,
            area=Area.CREDENTIALS,
            providers=tuple(Provider),
            wanted=WANTED,
            rows=rows,
            open_names=OPEN,
            doors={one: [f"{base}/webhooks/{ends[end]}" for end in found] for one, found in DOORS.items()},
            refused=provider,
            problems=problems,
            sealed=bool(desk.settings.vault_keys.get_secret_value()),
            sandbox=desk.settings.sandbox,
            kept=_known(request, "kept"),
            removed=_known(request, "removed"),
            longest=LONGEST_VALUE,
        )


def _known(request: Request, name: str) -> Provider | None:
    asked = request.query_params.get(name)
    return Provider(asked) if asked in set(Provider) else None
