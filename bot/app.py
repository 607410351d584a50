"""The web process: webhooks, web chat, console, sandbox. It loads no Rasa and calls no vendor."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi import FastAPI, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from bot import calendar_feed, calendar_file, health, home, mail_pages, notices, pay_link, plain_pages
from bot.api import routes as api
from bot.console import routes as console
from bot.console.desk import Desk
from bot.models import Dialogue
from bot.sandbox import routes as sandbox
from bot.sandbox.stage import Stage
from bot.settings import Settings
from bot.wiring import build_system, close_system
from channels import web_routes, webhooks
from channels.limits import sender_limits
from payment_links import pages as payment_pages
from payment_links import webhook as payment_webhook


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it connects on first use and closes what it opened."""
    system = build_system(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = []
        if stage is not None:
            tasks.append(asyncio.create_task(sandbox.run_webhooks(stage)))
            tasks.append(asyncio.create_task(sandbox.run_mail(stage)))
        yield
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await close_system(system)

    async def handed_back(session: AsyncSession, dialogue: Dialogue, now: datetime) -> None:
        await notices.recap(system, session, dialogue, now)

    # The page of the description is the API's own (api/docs_page.py): FastAPI's asks a foreign server for its script.
    app = FastAPI(
        title="Threadbook",
        summary="Appointments inside the message thread.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.system = system
    app.add_exception_handler(ClientDisconnect, _nobody_there)
    limits = sender_limits(system.redis)
    doors = webhooks.Doors(system.db, system.channels, limits, on_failed=notices.delivery_failed, own=system.own)
    app.router.routes.extend(webhooks.short_ways(doors))
    app.include_router(health.router_for(system))
    app.include_router(home.router_for(system))
    app.include_router(calendar_file.router_for(system))
    app.include_router(calendar_feed.router_for(system))
    app.include_router(plain_pages.router_for())
    app.include_router(mail_pages.router_for(system))
    app.include_router(webhooks.router_for(doors))
    chat = web_routes.WebDoors(system.db, system.redis, system.words, public_url=settings.public_url)
    app.include_router(web_routes.router_for(chat))
    account = system.vendors.stripe
    till = payment_webhook.Till(system.db, account.webhook_secret if account else None, own=system.own.till_of)
    app.include_router(payment_webhook.router_for(till))
    app.include_router(pay_link.router_for(system))
    app.include_router(payment_pages.router_for(system.words))
    api.install(app, system)
    app.include_router(
        console.router_for(Desk(system.db, system.redis, system.words, settings, handed_back=handed_back))
    )
    stage = Stage(system.db, settings, system.vendors) if settings.sandbox else None
    if stage is not None:
        app.include_router(sandbox.router_for(stage))
        app.add_middleware(sandbox.BadDay, stage=stage)
    return app


async def _nobody_there(_request: Request, _gone: Exception) -> Response:
    """Whoever asked went away before all of it was here: nobody is left to be answered, and nothing has failed."""
    return Response(status_code=400)
