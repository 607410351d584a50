"""`threadbook token`: what it prints can be used, and nothing else opens."""

import asyncio
from datetime import timedelta

import pytest

from bot import cli
from bot.api.command import TokenUnmade, read_scopes
from bot.api.tokens import Scope
from tests.booking_core.shop import open_shop
from tests.bot.api.conftest import Api


@pytest.fixture
def told(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command in a thread of its own, as it brings its own loop; returns code, output and what people read."""
    monkeypatch.setenv("DATABASE_URL", api.settings.database_url)
    monkeypatch.setenv("REDIS_URL", api.settings.redis_url)
    monkeypatch.setenv("SECRET_KEY", "x" * 40)

    async def tell(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(cli.main, ["token", *arguments])
        out, err = capsys.readouterr()
        return code, out.strip(), err.strip()

    return tell


async def test_a_token_is_made_used_listed_and_closed(api: Api, told) -> None:
    code, secret, words = await told("create", "My site", "--scopes", "catalog:read,bookings:read", "--days", "30")
    assert code == 0
    assert "My site: bookings:read, catalog:read." in words
    assert (await api.get("/business", token=secret)).status_code == 200
    assert (await api.get("/customers", token=secret)).status_code == 403
    _, listed, _ = await told("list")
    line = next(line for line in listed.splitlines() if "My site" in line)
    assert line.startswith(f"{secret[:12]}...  until 2026-12-23  used 2026-11-23")
    assert secret not in listed
    code, closed, _ = await told("revoke", secret[:12] + "...")
    assert (code, closed) == (0, "My site is closed.")
    assert (await api.get("/business", token=secret)).status_code == 401
    _, listed, _ = await told("list")
    assert f"{secret[:12]}...  revoked" in listed
    assert await told("revoke", secret[:12]) == (1, "", "No open token begins like this.")


async def test_it_ends_by_itself(api: Api, told) -> None:
    _, secret, _ = await told("create", "Short", "--scopes", "all", "--days", "1")
    await api.advance(timedelta(days=1))
    assert (await api.get("/business", token=secret)).status_code == 401
    assert "...  ended  " in (await told("list"))[1]


async def test_whose_is_asked_where_there_are_several(api: Api, told) -> None:
    async with api.db.transaction() as session:
        other = await open_shop(session)
    await api.run("UPDATE business SET slug = 'other' WHERE id = :id", id=other.business_id)
    code, out, words = await told("create", "x", "--scopes", "read")
    assert (code, out) == (1, "")
    assert words.startswith("Say whose, with --business: other, shop-")
    code, secret, _ = await told("create", "x", "--scopes", "read", "--business", "other")
    assert (await api.get("/business", token=secret)).json()["slug"] == "other"
    assert await told("list", "--business", "none") == (1, "", "There is no business called none.")
    _, listed, _ = await told("list")
    assert {line.split()[1] for line in listed.splitlines()} == {"other", words.split(", ")[-1].rstrip(".")}
    # Who found it need not know whose it is.
    assert await told("revoke", secret) == (0, "x is closed.", "")
    assert (await api.get("/business", token=secret)).status_code == 401


async def test_what_is_no_scope(told) -> None:
    code, out, words = await told("create", "x", "--scopes", "bookings:read,bookings:delete")
    assert (code, out) == (2, "")
    assert words.startswith("bookings:delete is no scope; there are catalog:read")


@pytest.mark.parametrize("days", ["0", "-3", "999999999999"])
async def test_days_that_are_none(told, days: str) -> None:
    assert (await told("create", "x", "--scopes", "all", "--days", days))[0] == 2


def test_names_for_several_scopes() -> None:
    assert set(read_scopes("all")) == set(Scope)
    assert {scope.value for scope in read_scopes("read, schedule:write")} == {
        "availability:read",
        "bookings:read",
        "catalog:read",
        "customers:read",
        "schedule:write",
    }
    with pytest.raises(TokenUnmade):
        read_scopes(" , ")
