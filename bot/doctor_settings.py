"""What the doctor sees in the settings alone: shapes of credentials, the public address, contradictions."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource

from bot.credential_shapes import SHAPES
from bot.findings import Finding, note, ok, wrong
from bot.settings import Settings

#: pydantic's kinds of error, in plain words; `{}` takes what the error itself knows.
_PLAIN = {
    "missing": "is not set",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "path_type": "must be a path",
}
_HERE = {"localhost", "127.0.0.1", "::1"}
#: https://core.telegram.org/bots/api#setwebhook; None is what an address says that names none: 443.
_TELEGRAMS = (None, 443, 80, 88, 8443)
#: How alike two names are, at least, if one is a slip for the other.
_ALIKE = 0.8


def explain(error: ValidationError) -> list[str]:
    """Return a sentence for each setting that pydantic refused; never what was set."""
    sentences = []
    for fault in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        context = fault.get("ctx", {})
        if "error" in context:  # A sentence of our own validators.
            words = str(context["error"])
        elif fault["type"] in _PLAIN:
            words = _PLAIN[fault["type"]].format(**context)
        else:
            words = fault["msg"]
        meant = Settings.model_fields.get(name.lower())
        hint = f" ({meant.description})" if meant is not None and meant.description else ""
        sentences.append(f"{name} {words}{hint}." if name else f"{words[:1].upper()}{words[1:]}.")
    return sentences


def misspelt() -> list[str]:
    """Return a sentence for each name in `.env` that is nearly one of ours: it would silently count for nothing."""
    known = [name.upper() for name in Settings.model_fields]
    named = [name.upper() for name in DotEnvSettingsSource(Settings, env_file=".env").env_vars]
    slips = {name: get_close_matches(name, known, n=1, cutoff=_ALIKE) for name in named if name not in known}
    return [
        f"{name} is no setting and counts for nothing; is {alike[0]} meant?" for name, alike in slips.items() if alike
    ]


def settings_findings(settings: Settings) -> Iterator[Finding]:
    """Look at the settings alone; nothing is asked of anybody."""
    yield from (note(".env", words) for words in misspelt())
    yield from _credential_findings(settings)
    yield from _address_findings(settings)


def _credential_findings(settings: Settings) -> Iterator[Finding]:
    if settings.sandbox:
        yield ok(
            "vendors",
            "No live credential is set: the sandbox stands in for Twilio, Telegram, Stripe and a mail server.",
        )
    for name, (shape, words) in SHAPES.items():
        value = getattr(settings, name)
        text = value if isinstance(value, str) else value.get_secret_value()
        if not text:
            continue
        if re.fullmatch(shape, text):
            yield ok(name.upper(), "has the right shape.")
        else:
            yield wrong(name.upper(), f"does not look like one; expected: {words}.")
    if settings.twilio_account_sid and not (settings.twilio_sms_number or settings.twilio_whatsapp_number):
        yield wrong("twilio", "TWILIO_SMS_NUMBER or TWILIO_WHATSAPP_NUMBER is needed to send anything.")
    if not settings.sandbox and not settings.smtp_host:
        yield note("email", "SMTP_HOST is not set: nobody gets letters.")
    if settings.smtp_host and settings.smtp_security == "none" and settings.smtp_host not in _HERE:
        yield wrong("SMTP_SECURITY", "is none: letters would travel in the open. Set starttls or tls.")
    if not settings.sandbox and not settings.stripe_secret_key.get_secret_value():
        yield note("stripe", "STRIPE_SECRET_KEY is not set: services with a deposit cannot be booked.")
    key = settings.stripe_secret_key.get_secret_value()
    if key.startswith(("sk_test_", "rk_test_")):
        yield note("stripe", "STRIPE_SECRET_KEY is a test key: no real money moves.")


def _address_findings(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield wrong("PUBLIC_URL", "must be an address such as https://book.example.org.")
        return
    if parts.query or parts.fragment or parts.username:
        yield wrong("PUBLIC_URL", "must hold no user, no ? and no #.")
    if settings.sandbox:
        yield ok("webhooks", f"The sandbox calls {settings.base_url}/webhooks/...")
        return
    if parts.hostname in {"localhost", "127.0.0.1", "::1", "0.0.0.0"}:  # noqa: S104 - compared, not bound
        yield wrong("PUBLIC_URL", "is an address of this machine: Twilio, Telegram and Stripe cannot reach it.")
    elif parts.scheme != "https":
        yield wrong("PUBLIC_URL", "must begin with https://: signatures and messages would travel in the open.")
    else:
        if (
            settings.telegram_token.get_secret_value()
            and not settings.telegram_polling
            and parts.port not in _TELEGRAMS
        ):
            ports = ", ".join(str(port) for port in _TELEGRAMS if port)
            yield wrong("PUBLIC_URL", f"names a port that Telegram does not call: only {ports}.")
        doors = ["/webhooks/sms", "/webhooks/whatsapp", "/webhooks/telegram", "/webhooks/stripe"]
        yield ok("webhooks", "Give the vendors " + ", ".join(settings.base_url + door for door in doors) + ".")
