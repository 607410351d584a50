"""`threadbook token`: make, list and revoke the tokens of other programs."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.models import Business
from bot.api.models import ApiToken
from bot.api.tokens import Scope, list_tokens, make_token, revoke
from bot.settings import Settings

#: Names for several scopes at once.
_SETS = {"all": tuple(Scope), "read": tuple(scope for scope in Scope if scope.endswith(":read"))}

_MOST_DAYS = 3650

Doing = Callable[[AsyncSession, Sequence[Business], argparse.Namespace], Awaitable[int]]


class TokenUnmade(ValueError):
    """Why no token can be made like this; its text is for the person at the terminal."""


def run_token(settings: Settings, args: argparse.Namespace) -> int:
    """Do what was asked (`args.what`); returns the exit code."""
    try:
        if args.what == "create":
            args.scopes = read_scopes(args.scopes)
            _check_days(args.days)
    except TokenUnmade as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    doing: dict[str, Doing] = {"create": _create, "list": _list, "revoke": _revoke}
    return asyncio.run(_run(settings, doing[args.what], args))


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes that a comma-separated list names; raises TokenUnmade."""
    found: set[Scope] = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name in _SETS:
            found.update(_SETS[name])
        elif name in {scope.value for scope in Scope}:
            found.add(Scope(name))
        else:
            raise TokenUnmade(f"{name} is no scope; there are {', '.join(Scope)}, and `read` and `all` for several.")
    if not found:
        raise TokenUnmade("A token without scopes could do nothing.")
    return tuple(sorted(found))


def _check_days(days: int | None) -> None:
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise TokenUnmade(f"A token lasts from 1 to {_MOST_DAYS} days, or for ever.")


async def _run(settings: Settings, doing: Doing, args: argparse.Namespace) -> int:
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.transaction() as session:
            businesses = await _businesses(session, args.business)
            return await doing(session, businesses, args) if businesses else 1
    finally:
        await db.close()


async def _businesses(session: AsyncSession, slug: str | None) -> list[Business]:
    found = list(await session.scalars(select(Business).order_by(Business.slug)))
    chosen = [one for one in found if slug in {None, one.slug}]
    if not found:
        sys.stderr.write("There is no business yet: `threadbook seed` loads one.\n")
    elif not chosen:
        sys.stderr.write(f"There is no business called {slug}.\n")
    return chosen


async def _create(session: AsyncSession, businesses: Sequence[Business], args: argparse.Namespace) -> int:
    if len(businesses) > 1:
        sys.stderr.write(f"Say whose, with --business: {', '.join(one.slug for one in businesses)}.\n")
        return 1
    (business,) = businesses
    made = await make_token(
        session,
        business.id,
        name=args.name,
        scopes=args.scopes,
        lasts=None if args.days is None else timedelta(days=args.days),
        now=await current_time(session),
    )
    # The secret alone goes out, so that a script can keep it; people read the rest.
    sys.stdout.write(f"{made.secret}\n")
    sys.stderr.write(f"A token of {business.name} for {args.name}: {', '.join(made.row.scopes)}.\n")
    sys.stderr.write("Keep it now: it cannot be shown again.\n")
    return 0


async def _list(session: AsyncSession, businesses: Sequence[Business], _: argparse.Namespace) -> int:
    now = await current_time(session)
    for business in businesses:
        whose = f"{business.slug}  " if len(businesses) > 1 else ""
        for token in await list_tokens(session, business.id):
            used = "never used" if token.last_used_at is None else f"used {token.last_used_at:%Y-%m-%d %H:%M}Z"
            about = f"{_state(token, now)}  {used}  {token.name}  [{', '.join(token.scopes)}]"
            sys.stdout.write(f"{token.prefix}...  {whose}{about}\n")
    return 0


def _state(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "open"
    return "ended" if token.expires_at <= now else f"until {token.expires_at:%Y-%m-%d}"


async def _revoke(session: AsyncSession, businesses: Sequence[Business], args: argparse.Namespace) -> int:
    now = await current_time(session)
    prefix = args.prefix.removesuffix("...")
    closed = [token for one in businesses for token in await revoke(session, one.id, prefix, now=now)]
    if not closed:
        sys.stderr.write("No open token begins like this.\n")
        return 1
    for token in closed:
        sys.stdout.write(f"{token.name} is closed.\n")
    return 0
