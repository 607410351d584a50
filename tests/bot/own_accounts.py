"""Three businesses on one system: one by the system's own credentials, two by theirs."""

from dataclasses import dataclass
from uuid import UUID

from booking_core.kit.db import Database
from bot import credentials
from bot.credential_shapes import Provider
from bot.settings import Settings
from bot.vault import Vault, make_key
from bot.vendors import own_vendor, vendors_for
from channels import registry
from channels.accounts import open_account
from tests.channels.builders import a_business

KEY = make_key()
BASE = "https://book.example.org"
#: Settings without any credential of the system's.
NO_SYSTEM = dict.fromkeys(
    (
        "twilio_account_sid", "twilio_auth_token", "telegram_token", "telegram_secret", "stripe_secret_key",
        "stripe_webhook_secret",
    ),
    "",
)  # fmt: skip


def live(database_url: str, redis_url: str, **changes: object) -> Settings:
    """Settings with live credentials of the system's, so that no stand-in serves."""
    return Settings(
        _env_file=None,
        **{
            "database_url": database_url,
            "redis_url": redis_url,
            "secret_key": "tests" * 10,
            "vault_keys": KEY,
            "public_url": BASE,
            "twilio_account_sid": "AC" + "a" * 32,
            "twilio_auth_token": "5" * 32,
            "twilio_sms_number": "+15550000001",
            "twilio_whatsapp_number": "+15550000001",
            "telegram_token": "100000001:" + "S" * 35,
            "telegram_secret": "system-secret-of-telegram",
            "stripe_secret_key": "sk_live_" + "s" * 24,
            "stripe_webhook_secret": "whsec_" + "s" * 32,
            **changes,
        },  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Own:
    """What a business has of its own."""

    slug: str
    sid: str
    token: str
    number: str
    bot: str
    bot_secret: str
    stripe_key: str
    signing: str

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.token, self.bot, self.bot_secret, self.stripe_key, self.signing)

    def values(self, provider: Provider, **changes: str) -> dict[str, str]:
        found = {
            Provider.TWILIO: {
                "twilio_account_sid": self.sid,
                "twilio_auth_token": self.token,
                "twilio_sms_number": self.number,
                "twilio_whatsapp_number": self.number,
            },
            Provider.TELEGRAM: {"telegram_token": self.bot, "telegram_secret": self.bot_secret},
            Provider.STRIPE: {"stripe_secret_key": self.stripe_key, "stripe_webhook_secret": self.signing},
        }[provider]
        return found | changes


def own(slug: str, digit: str) -> Own:
    return Own(
        slug,
        sid="AC" + digit * 32,
        token=f"{digit}e" * 16,
        number=f"+1555000100{digit}",
        bot=f"20000000{digit}:" + digit * 35,
        bot_secret=f"secret-of-the-bot-of-{slug}",
        stripe_key="sk_live_" + digit * 24,
        signing="whsec_" + digit * 32,
    )


OURS, THEIRS = own("ours", "3"), own("theirs", "4")


async def keep(db: Database, settings: Settings, business: UUID, provider: Provider, values: dict[str, str]) -> None:
    """Give a business credentials of its own, as the command does."""
    vault = Vault.of(settings.vault_keys.get_secret_value())
    async with db.transaction() as session:
        await credentials.keep(session, vault, business, provider, values)
        await credentials.open_accounts(session, business, own_vendor(settings, provider, values))


async def three_businesses(db: Database, settings: Settings) -> dict[str, UUID]:
    """`shared` has the system's addresses; `ours` and `theirs` have everything of their own."""
    found = {}
    async with db.transaction() as session:
        for slug in ("shared", "ours", "theirs"):
            found[slug] = (await a_business(session, slug, accounts={})).id
        vendors = vendors_for(settings)
        for channel, address in registry.addresses(vendors.twilio, vendors.telegram).items():
            await open_account(session, found["shared"], channel, address)
    for one in (OURS, THEIRS):
        for provider in Provider:
            await keep(db, settings, found[one.slug], provider, one.values(provider))
    return found
