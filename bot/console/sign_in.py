"""Signing in and out."""

import hmac
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from booking_core.kit.ids import new_secret
from bot.console.access import COOKIE, check_csrf, find_visitor
from bot.console.attempts import forget_attempts, wait_before_login
from bot.console.desk import Desk
from bot.console.forms import read_form, read_text
from bot.console.pages import Pages, inside
from bot.console.passwords import LONGEST, is_right
from bot.console.sessions import close_session, open_session
from bot.console.users import clean_email, find_user

#: Before there is a session, the form is tied to the browser by this cookie.
LOGIN_COOKIE = "threadbook_login"


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add login and logout."""
    secret = desk.settings.derived("console login").encode()

    def form_token(cookie: str) -> str:
        return hmac.new(secret, cookie.encode(), sha256).hexdigest()

    def login_form(
        request: Request, *, status: int = 200, error: str = "", minutes: int = 0, email: str = "", to: str = ""
    ) -> Response:
        cookie = request.cookies.get(LOGIN_COOKIE) or new_secret(18)
        answer = pages.page(
            request,
            "login.html",
            status=status,
            error=error,
            minutes=minutes,
            email=email,
            to=to,
            csrf=form_token(cookie),
        )
        answer.set_cookie(
            LOGIN_COOKIE,
            cookie,
            max_age=3600,
            path="/console/login",
            samesite="lax",
            httponly=True,
            secure=pages.secure,
        )
        return answer

    @router.get("/login")
    async def login_page(request: Request) -> Response:
        to = inside(request.query_params.get("next", ""))
        if await find_visitor(desk, request):
            return RedirectResponse(to, 303)
        return login_form(request, to=to)

    @router.post("/login")
    async def login(request: Request) -> Response:
        await check_csrf(desk, request, form_token(request.cookies.get(LOGIN_COOKIE, "")))
        email = clean_email(await read_text(request, "email", 320))
        # A password is taken as it was typed, spaces at its ends included.
        typed = (await read_form(request)).get("password", "")
        password = typed if isinstance(typed, str) else ""
        to = inside(await read_text(request, "next", 2000))
        address = request.client.host if request.client else "unknown"
        wait = await wait_before_login(desk.redis, address, email)
        if wait:
            answer = login_form(request, status=429, error="wait", minutes=-(-wait // 60), email=email, to=to)
            answer.headers["Retry-After"] = str(wait)
            return answer
        async with desk.db.transaction() as session:
            user = await find_user(session, email)
        right = await is_right(password, user.password_hash if user else None)
        if user is None or not right or len(password) > LONGEST:
            return login_form(request, status=401, error="wrong", email=email, to=to)
        async with desk.db.transaction() as session:
            if old := request.cookies.get(COOKIE):
                await close_session(session, old)
            token = await open_session(session, user)
        await forget_attempts(desk.redis, address, email)
        answer = RedirectResponse(to, 303)
        answer.set_cookie(COOKIE, token, path="/console", samesite="lax", httponly=True, secure=pages.secure)
        answer.delete_cookie(LOGIN_COOKIE, path="/console/login", secure=pages.secure, httponly=True)
        return answer

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        visitor = await find_visitor(desk, request)
        if visitor is not None:
            await check_csrf(desk, request, visitor.csrf)
            async with desk.db.transaction() as session:
                await close_session(session, request.cookies[COOKIE])
        answer = RedirectResponse("/console/login", 303)
        answer.delete_cookie(COOKIE, path="/console", secure=pages.secure, httponly=True)
        return answer
