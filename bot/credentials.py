"""A business's own credentials at the vendors: kept sealed, read only to call a vendor or to verify what it sends."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bot.credential_shapes import Provider, hints_of
from bot.models import Credential
from bot.vault import NotAsSealed, Vault
from bot.vendors import Vendors
from channels import registry
from channels.accounts import open_account


async def keep(
    session: AsyncSession, vault: Vault, business_id: UUID, provider: Provider, values: Mapping[str, str]
) -> None:
    """Keep checked values sealed, in place of what the business had; raises NoKey."""
    plain = json.dumps(dict(values)).encode()
    moment = func.clock_timestamp()
    row = insert(Credential).values(
        business_id=business_id,
        kind=provider.value,
        secret=vault.seal(plain, business_id, provider),
        hints=hints_of(values),
        created_at=moment,
        updated_at=moment,
    )
    fresh = {"secret": row.excluded.secret, "hints": row.excluded.hints, "updated_at": moment}
    await session.execute(row.on_conflict_do_update(index_elements=["business_id", "kind"], set_=fresh))


async def open_accounts(session: AsyncSession, business_id: UUID, vendors: Vendors) -> list[str]:
    """Make the addresses of a business's own credentials its own; returns them. Raises AccountTaken."""
    found = registry.addresses(vendors.twilio, vendors.telegram)
    for channel, address in found.items():
        await open_account(session, business_id, channel, address)
    return list(found.values())


async def remove(session: AsyncSession, business_id: UUID, provider: Provider) -> bool:
    """Forget a business's credentials at a vendor; False if it had none."""
    gone = delete(Credential).where(Credential.business_id == business_id, Credential.kind == provider.value)
    return (await session.execute(gone.returning(Credential.kind))).first() is not None


async def kept(session: AsyncSession) -> Sequence[Credential]:
    """Return the rows that the transaction may see, those of one business together."""
    rows = await session.scalars(select(Credential).order_by(Credential.business_id, Credential.kind))
    return rows.all()


def opened(vault: Vault, row: Credential) -> dict[str, str]:
    """Return a row's values by the settings' names; raises a VaultError."""
    return read_plain(vault.open(row.secret, row.business_id, row.kind))


def read_plain(plain: bytes) -> dict[str, str]:
    """Return the values that were sealed; raises NotAsSealed where they are none."""
    try:
        values = json.loads(plain)
    except ValueError:
        raise NotAsSealed from None
    if not isinstance(values, dict):
        raise NotAsSealed
    return {str(name): str(value) for name, value in values.items()}


async def reseal(session: AsyncSession, vault: Vault) -> int:
    """Seal with the first key what an older one sealed; returns how many rows that were. Raises a VaultError.

    What is in them stays as it is, and so does `updated_at`: nobody has to read them anew.
    """
    rows = await session.scalars(select(Credential).with_for_update())
    stale = [row for row in rows if not vault.is_current(row.secret)]
    for row in stale:
        row.secret = vault.seal(vault.open(row.secret, row.business_id, row.kind), row.business_id, row.kind)
    await session.flush()
    return len(stale)
