"""What the doctor sees of businesses' own credentials: whether the keys that there are open them."""

from collections.abc import Iterator
from typing import Any

import psycopg

from bot.credentials import read_plain
from bot.findings import Finding, note, ok, wrong
from bot.settings import Settings
from bot.vault import Vault, VaultError

_ROWS = "SELECT b.slug, c.business_id, c.kind, c.secret FROM credential c JOIN business b ON b.id = c.business_id"


def vault_findings(connection: psycopg.Connection[Any], settings: Settings) -> Iterator[Finding]:
    """Open every row as a worker does, and throw away what was in it."""
    vault = Vault.of(settings.vault_keys.get_secret_value())
    rows = connection.execute(f"{_ROWS} ORDER BY b.slug, c.kind").fetchall()
    stale = broken = 0
    for slug, business_id, kind, secret in rows:
        try:
            read_plain(vault.open(secret, business_id, kind))
        except VaultError as error:
            broken += 1
            yield wrong("vault", f"{slug}'s own credentials for {kind} cannot be read. {error}")
        else:
            stale += not vault.is_current(secret)
    if stale:
        yield note("vault", f"{stale} are sealed with an older key: run `threadbook credentials reseal`.")
    if rows and settings.sandbox:
        yield note("vault", "The sandbox stands in: businesses' own credentials are shown to it. Set SANDBOX_OFF.")
    if not vault.has_key and not rows:
        yield note("vault", "VAULT_KEYS is not set: no business can have credentials of its own.")
    elif not rows:
        yield ok("vault", "There is a key; no business has credentials of its own.")
    elif not stale and not broken:
        yield ok("vault", f"{len(rows)} credentials of businesses are kept sealed.")
