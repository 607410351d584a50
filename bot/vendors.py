"""What the vendors' clients are given: live credentials, or the sandbox's and its addresses."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.credential_shapes import Provider
from bot.settings import Settings
from channels.access import MailAccess, TelegramAccess, TwilioAccess
from payment_links.access import StripeAccess


@dataclass(frozen=True, slots=True)
class Vendors:
    """Access to every vendor that this installation can reach; None where it has no credentials."""

    twilio: TwilioAccess | None = None
    telegram: TelegramAccess | None = None
    stripe: StripeAccess | None = None
    mail: MailAccess | None = None


def vendors_for(settings: Settings) -> Vendors:
    """Return live access where credentials are set, the sandbox's where none is."""
    base = settings.base_url
    if settings.sandbox:
        return Vendors(
            TwilioAccess(
                account_sid="AC" + settings.derived("sandbox twilio account")[:32],
                auth_token=settings.derived("sandbox twilio token")[:32],
                sms_number=settings.twilio_sms_number or "+15005550006",
                whatsapp_number=settings.twilio_whatsapp_number or "+15005550007",
                api_url=f"{base}/sandbox/twilio",
                webhook_base=base,
                messaging_service_sid="MG" + settings.derived("sandbox twilio messaging service")[:32],
                typing=settings.whatsapp_typing,
            ),
            TelegramAccess(
                token=f"{700_000_000 + int(settings.derived('sandbox telegram id')[:6], 16)}:"
                + settings.derived("sandbox telegram token")[:35],
                secret=settings.derived("sandbox telegram secret"),
                api_url=f"{base}/sandbox/telegram",
            ),
            StripeAccess(
                secret_key="sk_test_" + settings.derived("sandbox stripe key")[:24],
                webhook_secret="whsec_" + settings.derived("sandbox stripe webhook")[:32],
                api_url=f"{base}/sandbox/stripe",
                return_url=base,
            ),
            MailAccess(settings.sandbox_smtp_host, settings.sandbox_smtp_port, "bookings@threadbook.example", "none"),
        )
    return Vendors(
        TwilioAccess(
            settings.twilio_account_sid,
            settings.twilio_auth_token.get_secret_value(),
            settings.twilio_sms_number,
            settings.twilio_whatsapp_number,
            None,
            base,
            settings.twilio_messaging_service_sid,
            settings.whatsapp_typing,
        )
        if settings.twilio_account_sid
        else None,
        TelegramAccess(settings.telegram_token.get_secret_value(), settings.telegram_secret.get_secret_value(), None)
        if settings.telegram_token.get_secret_value()
        else None,
        StripeAccess(
            settings.stripe_secret_key.get_secret_value(),
            settings.stripe_webhook_secret.get_secret_value(),
            None,
            base,
        )
        if settings.stripe_secret_key.get_secret_value()
        else None,
        MailAccess(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_password.get_secret_value(),
            settings.smtp_ca_file,
        )
        if settings.smtp_host
        else None,
    )


def own_vendor(settings: Settings, provider: Provider, values: Mapping[str, str]) -> Vendors:
    """Return access to one vendor by a business's own values: at the vendor, or at the sandbox while that serves."""
    base = settings.base_url
    stand_in = f"{base}/sandbox/{provider}" if settings.sandbox else None
    match provider:
        case Provider.TWILIO:
            return Vendors(
                twilio=TwilioAccess(
                    values["twilio_account_sid"],
                    values["twilio_auth_token"],
                    values.get("twilio_sms_number", ""),
                    values.get("twilio_whatsapp_number", ""),
                    stand_in,
                    base,
                    values.get("twilio_messaging_service_sid", ""),
                    settings.whatsapp_typing,
                )
            )
        case Provider.TELEGRAM:
            return Vendors(telegram=TelegramAccess(values["telegram_token"], values["telegram_secret"], stand_in))
        case Provider.STRIPE:
            return Vendors(
                stripe=StripeAccess(values["stripe_secret_key"], values["stripe_webhook_secret"], stand_in, base)
            )
