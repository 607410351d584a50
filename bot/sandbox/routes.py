"""Everything under /sandbox, put together; mounted only while there are no live credentials."""

from fastapi import APIRouter

from bot.sandbox import (
    checkout,
    clock,
    faults,
    mail,
    page,
    phones,
    stripe_api,
    telegram_api,
    twilio_accounts,
    twilio_api,
)
from bot.sandbox.faults import BadDay
from bot.sandbox.mail_server import run_mail
from bot.sandbox.stage import Stage
from bot.sandbox.webhooks import run_webhooks

__all__ = ["BadDay", "router_for", "run_mail", "run_webhooks"]


def router_for(stage: Stage) -> APIRouter:
    """Return the stand-ins' HTTP, the phones, the clock, and the pages to see them with."""
    router = APIRouter()
    for part in (page, phones, mail, clock, faults, checkout, twilio_accounts, twilio_api, telegram_api, stripe_api):
        router.include_router(part.router_for(stage))
    return router
