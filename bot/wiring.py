"""What web and worker are made of, built once from the settings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from booking_core.kit.db import Database
from bot.own_lines import OwnLines
from bot.settings import Settings
from bot.vendors import Vendors, vendors_for
from bot.words import Words
from channels import registry
from channels.contract import Channel
from channels.pace import Pace, rates_for
from payment_links.gateway import PaymentGateway
from payment_links.stripe_gateway import StripeGateway


@dataclass(frozen=True, slots=True)
class System:
    """Everything with a connection or a credential."""

    settings: Settings
    vendors: Vendors
    db: Database
    redis: Redis
    channels: Mapping[str, Channel]
    gateway: PaymentGateway | None
    words: Words
    pace: Pace
    #: What serves businesses with credentials of their own.
    own: OwnLines


def build_system(settings: Settings) -> System:
    """Build everything; connections open when they are first used."""
    vendors = vendors_for(settings)
    words = Words()
    redis = Redis.from_url(settings.redis_url)
    # Whoever waits for a customer or a vendor holds none; all deliveries together hold one for their locks.
    db = Database(settings.database_url, redis=redis, pool_size=max(10, settings.worker_concurrency))

    def list_button(locale: str) -> str:
        return words.text(locale, "choice.list")

    return System(
        settings=settings,
        vendors=vendors,
        db=db,
        redis=redis,
        channels=registry.build(
            twilio=vendors.twilio,
            telegram=vendors.telegram,
            mail=vendors.mail,
            burst_seconds=settings.burst_seconds,
            list_button=list_button,
        ),
        gateway=StripeGateway(vendors.stripe) if vendors.stripe else None,
        words=words,
        pace=Pace(redis, rates_for(sms_per_second=settings.twilio_sms_per_second)),
        own=OwnLines(db, settings, list_button),
    )


@asynccontextmanager
async def open_system(settings: Settings) -> AsyncIterator[System]:
    """Build everything and close it at the end."""
    system = build_system(settings)
    try:
        yield system
    finally:
        await close_system(system)


async def close_system(system: System) -> None:
    """Close every connection."""
    await registry.close(system.channels)
    await system.own.close()
    if system.gateway is not None:
        await system.gateway.close()
    await system.db.close()
    await system.redis.aclose()
