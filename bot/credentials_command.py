"""`threadbook credentials`: give a business its own account at a vendor, see which it has, take one away.

Values come from a prompt, standard input or the environment, never from the command line, which every user of the
machine can read; nothing prints them.
"""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.models import Business
from bot import credentials
from bot.credential_shapes import OPEN, WANTED, Provider, Unusable, checked, hints_of
from bot.settings import Settings
from bot.vault import Vault, VaultError, make_key
from bot.vendors import own_vendor
from channels.access import TelegramAccess
from channels.accounts import AccountTaken
from channels.contract import SendError
from channels.telegram import Telegram

#: Before a setting's name, so that the system's own credentials are not given away by accident.
PREFIX = "BUSINESS_"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and where."""

    settings: Settings
    vault: Vault
    args: argparse.Namespace


Doing = Callable[[AsyncSession, Asked], Awaitable[int]]


def run_credentials(args: argparse.Namespace, settings_or_exit: Callable[[], Settings]) -> int:
    """Do what was asked (`args.what`); returns the exit code."""
    if args.what == "key":
        sys.stdout.write(f"{make_key()}\n")
        return 0
    doing: dict[str, Doing] = {"set": _set, "list": _list, "remove": _remove, "reseal": _reseal}
    settings = settings_or_exit()
    vault = Vault.of(settings.vault_keys.get_secret_value())
    try:
        if args.what == "set":
            args.values = checked(Provider(args.provider), _given(Provider(args.provider), from_env=args.from_env))
        return asyncio.run(_run(doing[args.what], Asked(settings, vault, args)))
    except Unusable as refused:
        sys.stderr.write(f"{refused}\nNothing was kept.\n")
        return 2
    except VaultError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _given(provider: Provider, *, from_env: bool) -> Mapping[str, str]:
    """Return what was given for a provider, by the settings' names."""
    names = WANTED[provider].names
    if from_env:
        return {name: os.environ.get(PREFIX + name.upper(), "") for name in names}
    if sys.stdin.isatty():
        return {name: _prompted(name, needed=name in WANTED[provider].needed) for name in names}
    lines = (line.strip().partition("=") for line in sys.stdin if line.strip() and not line.lstrip().startswith("#"))
    found = {name.strip().lower().removeprefix(PREFIX.lower()): value for name, _, value in lines}
    if set(found) - set(names):
        raise Unusable([f"Lines are NAME=value, and of {provider} the names are {', '.join(names).upper()}."])
    return found


def _prompted(name: str, *, needed: bool) -> str:
    words = f"{name.upper()}{'' if needed else ' (may be empty)'}: "
    return input(words) if name in OPEN else getpass.getpass(words)


async def _run(doing: Doing, asked: Asked) -> int:
    db = Database(asked.settings.database_url, pool_size=1)
    try:
        async with db.transaction() as session:
            code = await doing(session, asked)
        return await _reach(asked) if code == 0 and asked.args.what == "set" else code
    except AccountTaken as taken:
        sys.stderr.write(f"Another business has this address on {taken}. Nothing was kept.\n")
        return 1
    finally:
        await db.close()


async def _set(session: AsyncSession, asked: Asked) -> int:
    business = await _business(session, asked.args.business)
    if business is None:
        return 1
    provider, values = Provider(asked.args.provider), asked.args.values
    await credentials.keep(session, asked.vault, business.id, provider, values)
    await credentials.open_accounts(session, business.id, own_vendor(asked.settings, provider, values))
    sys.stdout.write(f"{business.slug}: {provider} is kept ({_shown(hints_of(values))}).\n")
    return 0


async def _reach(asked: Asked) -> int:
    """Have the vendor know where we are: Telegram is told, the others' addresses are shown."""
    base, provider, slug = asked.settings.base_url, Provider(asked.args.provider), asked.args.business
    if provider is Provider.TWILIO:
        sys.stdout.write(f"Set in Twilio's console: {base}/webhooks/sms, {base}/webhooks/whatsapp.\n")
    elif provider is Provider.STRIPE:
        sys.stdout.write(f"Set in Stripe's dashboard: {base}/webhooks/stripe/{slug}.\n")
    access = own_vendor(asked.settings, provider, asked.args.values).telegram
    refused = await tell_telegram(access, base) if access is not None and asked.settings.telegram_calls else None
    if refused is not None:
        sys.stderr.write(f"{refused}\n")
    return 0 if refused is None else 1


async def tell_telegram(access: TelegramAccess, base_url: str) -> str | None:
    """Tell Telegram the door of a business's own bot, and its secret; returns why it would not hear of it."""
    bot = Telegram(access, quiet=timedelta(0))
    try:
        await bot.register(base_url, own=True)
    except SendError as error:
        return f"Telegram did not take the address ({error.code}): is the token right?"
    finally:
        await bot.close()
    return None


async def _list(session: AsyncSession, asked: Asked) -> int:
    names = {one.id: one.slug for one in await session.scalars(select(Business))}
    wanted = asked.args.business
    if wanted is not None and wanted not in names.values():
        sys.stderr.write(f"There is no business called {wanted}.\n")
        return 1
    for row in await credentials.kept(session):
        slug = names[row.business_id]
        if wanted in {None, slug}:
            sys.stdout.write(f"{slug}  {row.kind}  since {row.updated_at:%Y-%m-%d %H:%M}Z  {_shown(row.hints)}\n")
    return 0


async def _remove(session: AsyncSession, asked: Asked) -> int:
    business = await _business(session, asked.args.business)
    if business is None:
        return 1
    if not await credentials.remove(session, business.id, Provider(asked.args.provider)):
        sys.stderr.write(f"{business.slug} has no credentials of its own at {asked.args.provider}.\n")
        return 1
    sys.stdout.write(f"{business.slug}: {asked.args.provider} is removed; the system's own credentials serve.\n")
    return 0


async def _reseal(session: AsyncSession, asked: Asked) -> int:
    count = await credentials.reseal(session, asked.vault)
    sys.stdout.write(f"{count} sealed anew with the first of VAULT_KEYS.\n")
    return 0


async def _business(session: AsyncSession, slug: str) -> Business | None:
    found = await session.scalar(select(Business).where(Business.slug == slug))
    if found is None:
        sys.stderr.write(f"There is no business called {slug}.\n")
    return found


def _shown(hints: Mapping[str, str]) -> str:
    return ", ".join(f"{name.upper()} {value}" for name, value in hints.items())
