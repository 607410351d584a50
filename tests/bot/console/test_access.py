"""Signing in, staying in, and what each role may open."""

import hashlib
import time
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.console import Desk, router_for
from bot.console.access import COOKIE
from bot.console.attempts import PER_PERSON
from bot.console.pages import inside
from bot.console.passwords import hash_password
from bot.console.sessions import IDLE, LONGEST
from bot.console.users import SAMPLES, seed_users
from bot.models import CannedReply, LoginSession, User
from channels.models import Message
from tests.booking_core.shop import NOW
from tests.bot.console.conftest import BASE, Browser, SignIn, hidden, new_browser
from tests.bot.console.salon import open_salon
from tests.bot.console.scene import PASSWORD, Scene, add_task, add_thread

#: Path -> the roles that may open it; a route that is not here fails the test below.
NOBODY_NEEDED = "anyone"
ALL, MANAGERS, OWNERS = {"staff", "manager", "owner"}, {"manager", "owner"}, {"owner"}
ROUTES: dict[tuple[str, str], set[str] | str] = {
    ("GET", "/console"): NOBODY_NEEDED,
    ("GET", "/console/"): NOBODY_NEEDED,
    ("GET", "/console/static/{name}"): NOBODY_NEEDED,
    ("GET", "/console/language/{code}"): NOBODY_NEEDED,
    ("GET", "/console/login"): NOBODY_NEEDED,
    ("POST", "/console/login"): NOBODY_NEEDED,
    ("POST", "/console/logout"): NOBODY_NEEDED,
    ("GET", "/console/{rest:path}"): NOBODY_NEEDED,
    ("GET", "/console/inbox"): ALL,
    ("GET", "/console/threads/{thread_id}"): ALL,
    ("POST", "/console/threads/{thread_id}/take"): ALL,
    ("POST", "/console/threads/{thread_id}/reply"): ALL,
    ("POST", "/console/threads/{thread_id}/hand-back"): ALL,
    ("POST", "/console/threads/{thread_id}/seen"): ALL,
    ("POST", "/console/threads/{thread_id}/assign"): ALL,
    ("POST", "/console/threads/{thread_id}/snooze"): ALL,
    ("POST", "/console/threads/{thread_id}/resolve"): ALL,
    ("GET", "/console/calendar"): ALL,
    ("GET", "/console/calendar/new"): ALL,
    ("POST", "/console/calendar/new"): ALL,
    ("GET", "/console/calendar/customers"): ALL,
    ("GET", "/console/bookings/{booking_id}"): ALL,
    ("GET", "/console/bookings/{booking_id}/move"): ALL,
    ("POST", "/console/bookings/{booking_id}/move"): ALL,
    ("POST", "/console/bookings/{booking_id}/{step}"): ALL,
    ("GET", "/console/sessions/{session_id}"): ALL,
    ("POST", "/console/sessions/{session_id}/cancel"): ALL,
    ("GET", "/console/timeoff"): ALL,
    ("GET", "/console/timeoff/new"): ALL,
    ("POST", "/console/timeoff"): ALL,
    ("GET", "/console/timeoff/{time_off_id}"): ALL,
    ("POST", "/console/timeoff/{time_off_id}"): ALL,
    ("GET", "/console/timeoff/{time_off_id}/bookings"): ALL,
    ("POST", "/console/timeoff/{time_off_id}/propose"): ALL,
    ("POST", "/console/timeoff/{time_off_id}/bookings/{booking_id}"): ALL,
    ("POST", "/console/timeoff/{time_off_id}/delete"): ALL,
    ("GET", "/console/tasks"): MANAGERS,
    ("POST", "/console/tasks/{task_id}/done"): MANAGERS,
    ("GET", "/console/undelivered"): MANAGERS,
    ("GET", "/console/media/{media_id}"): "tested with the files themselves",
    ("POST", "/console/undelivered/{message_id}/again"): MANAGERS,
    ("GET", "/console/transcripts"): MANAGERS,
    ("GET", "/console/transcripts.csv"): MANAGERS,
    ("GET", "/console/transcripts/{thread_id}"): MANAGERS,
    ("GET", "/console/transcripts/{thread_id}/messages.csv"): MANAGERS,
    ("POST", "/console/transcripts/{thread_id}/misunderstood"): MANAGERS,
    ("GET", "/console/replies"): MANAGERS,
    ("POST", "/console/replies"): MANAGERS,
    ("POST", "/console/replies/{reply_id}"): MANAGERS,
    ("POST", "/console/replies/{reply_id}/delete"): MANAGERS,
    ("GET", "/console/threads/{thread_id}/consents"): MANAGERS,
    ("GET", "/console/threads/{thread_id}/consents.yml"): MANAGERS,
    ("POST", "/console/threads/{thread_id}/consents"): MANAGERS,
    ("POST", "/console/threads/{thread_id}/consents/corrected"): MANAGERS,
    ("GET", "/console/ways"): MANAGERS,
    ("GET", "/console/ways/sheet"): MANAGERS,
    ("GET", "/console/ways/{account_id}/qr.svg"): MANAGERS,
    ("GET", "/console/ways/{account_id}/qr.png"): MANAGERS,
    ("GET", "/console/team"): OWNERS,
    ("POST", "/console/team"): OWNERS,
    ("GET", "/console/credentials"): OWNERS,
    ("POST", "/console/credentials/{provider}"): OWNERS,
    ("POST", "/console/credentials/{provider}/remove"): OWNERS,
}


def routes_of(desk: Desk) -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in router_for(desk).routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }


async def test_every_route_lets_in_its_roles_and_nobody_else(
    desk: Desk, database: Database, scene: Scene, signed_in: SignIn, anyone: Browser
) -> None:
    assert routes_of(desk) == set(ROUTES), "a new route needs a line in the table of who may use it"
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "sms", "+34600000001", [("customer", "private words")])
        salon = await open_salon(session, scene, date(2030, 1, 8))
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
        held = await salon.meet("Yoga", "12:00", "Dalia", "Studio", {"Ada": 1})
        off = await salon.away("Bruno", salon.at("12:00"), salon.at("13:00"))
        task = await add_task(session, scene, "turn_failed", conversation_id=thread)
        message = await session.scalar(select(Message.id))
        reply = CannedReply(business_id=scene.business.id, id=new_id(), title="a", text="b", changed_at=NOW)
        session.add(reply)
    ids: dict[str, object] = {"thread_id": thread, "task_id": task.id, "booking_id": booking.id, "message_id": message}
    ids |= {"session_id": held.id, "step": "check-in", "reply_id": reply.id, "account_id": scene.accounts["web"].id}
    ids["provider"] = "stripe"
    browsers = {role: await signed_in(role) for role in ("staff", "manager", "owner")}
    for (method, path), roles in ROUTES.items():
        if isinstance(roles, str):
            continue
        url = path.format_map({**ids, "time_off_id": off.id})
        stranger = await anyone.request(method, url)
        assert stranger.status_code == 303, url
        assert stranger.headers["location"].startswith("/console/login?")
        asked = await anyone.request(method, url, headers={"accept": "application/json"})
        assert asked.status_code == 401
        for role, browser in browsers.items():
            if method == "POST":
                bare = await browser.post(url, data={"text": "x"})
                assert bare.status_code == 403, f"{url} without a token"
                answer = await browser.submit(url, text="", version=0)
            else:
                answer = await browser.get(url)
            expected = {200, 303, 400, 409} if role in roles else {403}
            if (path.endswith("{time_off_id}/delete") and role != "staff") or (
                path.endswith("{reply_id}/delete") and role == "owner"
            ):
                expected = {404}  # a colleague was here before
            if path.endswith(("/misunderstood", "/assign", "{provider}/remove")) and role in roles:
                expected = {404}  # no message, no colleague was named, no credentials are kept
            assert answer.status_code in expected, (role, method, url, answer.status_code)
            if role not in roles:
                assert "private words" not in answer.text


async def test_the_token_of_another_session_or_another_site_is_refused(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "sms", "+34600000001", [("customer", "hi")])
    mine, other = await signed_in("staff"), await signed_in("owner")
    path = f"/console/threads/{thread}/take"
    assert (await mine.post(path, data={"csrf": other.csrf, "version": "0"})).status_code == 403
    assert (await mine.post(path, data={"csrf": "ñandú", "version": "0"})).status_code == 403
    assert (await mine.post(path, files={"csrf": b"x"}, data={"version": "0"})).status_code == 403
    elsewhere = {"origin": "https://evil.example"}
    answer = await mine.post(path, data={"csrf": mine.csrf, "version": "0"}, headers=elsewhere)
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert (await mine.post("/console/logout", data={"csrf": "no"})).status_code == 403
    assert (await mine.submit(path, version=0)).status_code == 303


async def test_a_login_form_of_another_browser_is_refused(scene: Scene, anyone: Browser, app: FastAPI) -> None:
    async with new_browser(app) as other:
        foreign = hidden((await other.get("/console/login")).text, "csrf")
    await anyone.get("/console/login")
    fields = {"csrf": foreign, "email": scene.users["owner"].email, "password": PASSWORD}
    assert (await anyone.post("/console/login", data=fields)).status_code == 403


async def test_wrong_password_and_unknown_person_look_and_last_the_same(
    database: Database, scene: Scene, anyone: Browser
) -> None:
    async def attempt(email: str) -> tuple[int, str, float]:
        started = time.perf_counter()
        answer = await anyone.sign_in(email, "wrong")
        text = answer.text.replace(email, "EMAIL")
        return answer.status_code, text, time.perf_counter() - started

    async with database.transaction() as session:
        await session.execute(update(User).values(password_hash=await hash_password(PASSWORD)))
    await attempt("warm-up@x.example")
    known, unknown = [], []
    for number in range(3):
        known.append(await attempt(scene.users["owner"].email))
        unknown.append(await attempt(f"nobody{number}@x.example"))
    assert {(status, text) for status, text, _ in known} == {(status, text) for status, text, _ in unknown}
    fastest = [min(took for _, _, took in attempts) for attempts in (known, unknown)]
    assert max(fastest) < 4 * min(fastest)


async def test_the_right_password_does_not_help_after_too_many_attempts(
    scene: Scene, anyone: Browser, redis: Redis
) -> None:
    email = scene.users["owner"].email
    for _ in range(PER_PERSON):
        assert (await anyone.sign_in(email, "guess")).status_code == 401
    refused = await anyone.sign_in(f"  {email.upper()} ")
    assert refused.status_code == 429
    assert "Too many attempts. Please try again in 15 minutes." in refused.text
    assert int(refused.headers["retry-after"]) > 0
    assert (await anyone.sign_in(scene.users["staff"].email)).status_code == 303, "others are not held up"
    keys = [key.decode() for key in await redis.keys("login:*")]
    assert keys
    assert not any("@" in key for key in keys), "no addresses of people in Redis"


async def test_signing_in_forgets_earlier_slips(scene: Scene, app: FastAPI) -> None:
    email = scene.users["owner"].email
    for _ in range(3):
        async with new_browser(app) as browser:
            for _ in range(PER_PERSON - 1):
                await browser.sign_in(email, "slip")
            assert (await browser.sign_in(email)).status_code == 303


async def test_without_redis_people_still_sign_in(desk: Desk, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    unreachable = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    app = FastAPI()
    app.include_router(router_for(Desk(desk.db, unreachable, desk.words, desk.settings)))
    async with new_browser(app) as browser:
        assert (await browser.sign_in(scene.users["owner"].email)).status_code == 303
    await unreachable.aclose()
    assert "not limited" in caplog.text
    assert scene.users["owner"].email not in caplog.text


async def test_the_cookie_is_safe_and_only_its_hash_is_kept(database: Database, scene: Scene, anyone: Browser) -> None:
    answer = await anyone.sign_in(scene.users["owner"].email)
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie, "this installation is reached by http"
    token = anyone.cookies[COOKIE]
    async with database.transaction() as session:
        kept = await session.scalar(select(LoginSession.token_hash))
    assert kept == hashlib.sha256(token.encode()).hexdigest()


async def test_by_https_the_cookie_travels_by_https_only(desk: Desk, scene: Scene) -> None:
    settings = desk.settings.model_copy(update={"public_url": "https://console.test"})
    app = FastAPI()
    app.include_router(router_for(Desk(desk.db, desk.redis, desk.words, settings)))
    transport = httpx.ASGITransport(app=app)
    async with Browser(transport=transport, base_url="https://console.test") as browser:
        answer = await browser.sign_in(scene.users["owner"].email)
        assert answer.status_code == 303
        assert all("Secure" in line for line in answer.headers.get_list("set-cookie") if "=" in line.split(";")[0])
        assert "strict-transport-security" in (await browser.get("/console/inbox")).headers


async def test_forged_and_expired_cookies_open_nothing(
    database: Database, scene: Scene, signed_in: SignIn, anyone: Browser
) -> None:
    browser = await signed_in("owner")
    token = browser.cookies[COOKIE]
    for forged in ("x", token[:-1], token + "x", hashlib.sha256(token.encode()).hexdigest(), "é"):
        sent = await anyone.get("/console/inbox", headers=[(b"cookie", f"{COOKIE}={forged}".encode("latin-1"))])
        assert sent.status_code == 303, forged
    async with database.transaction() as session:
        await session.execute(update(LoginSession).values(expires_at=func.now() - timedelta(seconds=1)))
    answer = await browser.get("/console/transcripts?q=cut")
    assert answer.headers["location"] == "/console/login?next=%2Fconsole%2Ftranscripts%3Fq%3Dcut"


async def test_a_session_in_use_lasts_but_not_for_ever(database: Database, signed_in: SignIn, scene: Scene) -> None:
    browser = await signed_in("owner")

    async def left(**columns: object) -> timedelta:
        async with database.transaction() as session:
            await session.execute(update(LoginSession).values(**columns))
        await browser.get("/console/inbox")
        async with database.transaction() as session:
            ends = await session.scalar(select(LoginSession.expires_at - func.now()))
        assert ends is not None
        return ends

    assert await left(expires_at=func.now() + timedelta(hours=1)) > IDLE - timedelta(minutes=1)
    old = func.now() - LONGEST + timedelta(hours=2)
    assert await left(created_at=old, expires_at=func.now() + timedelta(hours=1)) < timedelta(hours=3)


async def test_signing_out_ends_the_session_everywhere_it_was_copied(signed_in: SignIn, anyone: Browser) -> None:
    browser = await signed_in("owner")
    token = browser.cookies[COOKIE]
    assert (await browser.submit("/console/logout")).status_code == 303
    copied = await anyone.get("/console/inbox", headers={"cookie": f"{COOKIE}={token}"})
    assert copied.status_code == 303


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example/console/", "/\\evil.example", "javascript:alert(1)", "/other", "", "x"],
)
def test_a_login_leads_nowhere_but_into_the_console(target: str) -> None:
    assert inside(target) == "/console/inbox"


def test_a_login_leads_where_one_was_going() -> None:
    assert inside("/console/transcripts?q=1") == "/console/transcripts?q=1"


async def test_the_browser_s_language_is_spoken_and_the_person_s_choice_stays(anyone: Browser) -> None:
    spanish = await anyone.get("/console/login", headers={"accept-language": "nl;q=0.9, es-MX;q=0.8, en;q=0.1"})
    assert "Iniciar sesión" in spanish.text
    assert '<html lang="es" dir="ltr">' in spanish.text
    for odd in ("", "*", "zz", "es;q=x", "a" * 5000):
        assert "Sign in" in (await anyone.get("/console/login", headers={"accept-language": odd})).text
    switched = await anyone.get("/console/language/es", params={"to": "/console/login"})
    assert switched.headers["location"] == "/console/login"
    assert "Iniciar sesión" in (await anyone.get("/console/login")).text
    away = await anyone.get("/console/language/xx", params={"to": "https://evil.example"})
    assert away.headers["location"] == "/console/inbox"
    assert BASE not in away.text


async def test_sample_users_are_made_once_and_keep_their_passwords(
    database: Database, scene: Scene, anyone: Browser
) -> None:
    async with database.transaction() as session:
        await session.execute(update(User).values(email="moved-" + User.email))
        made = await seed_users(session, scene.business, datetime.now(UTC))
        again = await seed_users(session, scene.business, datetime.now(UTC))
    assert [role for _, role, _ in made] == [role for role, _ in SAMPLES]
    assert again == []
    email, _, password = made[0]
    assert (await anyone.sign_in(email, password)).status_code == 303
