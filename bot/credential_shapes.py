"""What the vendors' credentials look like, by the vendors' own documentation, and what a business must give of each."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: By the setting's name: a pattern, and how a person would say it.
SHAPES: Mapping[str, tuple[str, str]] = {
    "twilio_account_sid": (r"AC[0-9a-fA-F]{32}", "AC and 32 hexadecimal digits"),
    "twilio_auth_token": (r"[0-9a-fA-F]{32}", "32 hexadecimal digits"),
    "twilio_sms_number": (r"\+[1-9]\d{6,14}", "a number as +15550001111"),
    "twilio_whatsapp_number": (r"\+[1-9]\d{6,14}", "a number as +15550001111"),
    "twilio_messaging_service_sid": (r"MG[0-9a-fA-F]{32}", "MG and 32 hexadecimal digits"),
    "telegram_token": (r"\d{6,}:[\w-]{30,}", "digits, a colon and at least 30 letters"),
    "telegram_secret": (r"[A-Za-z0-9_-]{1,256}", "letters, digits, _ and - only"),
    "stripe_secret_key": (r"(sk|rk)_(test|live)_\w{10,}", "sk_test_... or sk_live_..."),
    "stripe_webhook_secret": (r"whsec_\w{10,}", "whsec_..."),
}
#: Of these, everybody may see all.
OPEN = frozenset({"twilio_sms_number", "twilio_whatsapp_number"})
#: The last characters of what is at least so long may be shown.
_SHOWN, _LONG_ENOUGH = 4, 20


class Provider(StrEnum):
    """Whose credentials a business may have of its own."""

    TWILIO = "twilio"
    TELEGRAM = "telegram"
    STRIPE = "stripe"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a provider's credentials are made of, by the settings' names."""

    needed: tuple[str, ...]
    may: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that may be given."""
        return self.needed + self.may


WANTED: Mapping[Provider, Wanted] = {
    Provider.TWILIO: Wanted(
        ("twilio_account_sid", "twilio_auth_token"),
        ("twilio_sms_number", "twilio_whatsapp_number", "twilio_messaging_service_sid"),
    ),
    Provider.TELEGRAM: Wanted(("telegram_token",), ("telegram_secret",)),
    Provider.STRIPE: Wanted(("stripe_secret_key", "stripe_webhook_secret")),
}


class Wrong(StrEnum):
    """What may be wrong with a value."""

    MISSING = "missing"
    MALFORMED = "malformed"
    NO_NUMBER = "no_number"
    TOO_SHORT = "too_short"


class Unusable(ValueError):
    """These are no credentials of the provider: a sentence for each fault, without what was given.

    `wrong` says the same for whoever words it otherwise: the setting's name and what is wrong with it.
    """

    def __init__(self, faults: list[str], wrong: Sequence[tuple[str, Wrong]] = ()) -> None:
        super().__init__("\n".join(faults))
        self.wrong = tuple(wrong)


def checked(provider: Provider, given: Mapping[str, str]) -> dict[str, str]:
    """Return the provider's credentials out of what was given, by the settings' names; raises Unusable.

    A Telegram bot's webhook secret is ours to choose: it is made here unless one is given.
    """
    wanted = WANTED[provider]
    values = {name: given[name].strip() for name in wanted.names if given.get(name, "").strip()}
    missing = [name for name in wanted.needed if name not in values]
    faults = [f"{name.upper()} is missing." for name in missing]
    wrong = [(name, Wrong.MISSING) for name in missing]
    for name, value in values.items():
        pattern, words = SHAPES[name]
        if not re.fullmatch(pattern, value, re.ASCII):
            faults.append(f"{name.upper()} does not look like one; expected: {words}.")
            wrong.append((name, Wrong.MALFORMED))
    if provider is Provider.TWILIO and not OPEN & set(values):
        faults.append("TWILIO_SMS_NUMBER or TWILIO_WHATSAPP_NUMBER is needed: by its number a business is known.")
        wrong.append(("twilio_sms_number", Wrong.NO_NUMBER))
    if provider is Provider.TELEGRAM:
        values.setdefault("telegram_secret", secrets.token_urlsafe(_LONG_ENOUGH * 2))
        if len(values["telegram_secret"]) < _LONG_ENOUGH:
            faults.append(
                f"TELEGRAM_SECRET must have at least {_LONG_ENOUGH} characters; leave it out to have one made."
            )
            wrong.append(("telegram_secret", Wrong.TOO_SHORT))
    if faults:
        raise Unusable(faults, wrong)
    return values


def hints_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return of credentials what may be shown: numbers, a bot's id, and the last four characters of what is long."""
    hints = {name: value if name in OPEN else _end_of(value) for name, value in values.items()}
    if "telegram_token" in values:
        hints["telegram_token"] = values["telegram_token"].partition(":")[0] + ":" + hints["telegram_token"]
    return hints


def addresses_in(hints: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses by channel that hints tell: those of a row, too, that cannot be read."""
    found = {}
    if number := hints.get("twilio_sms_number"):
        found["sms"] = number
    if number := hints.get("twilio_whatsapp_number"):
        found["whatsapp"] = f"whatsapp:{number}"
    if token := hints.get("telegram_token"):
        found["telegram"] = token.partition(":")[0]
    return found


def _end_of(value: str) -> str:
    return f"…{value[-_SHOWN:]}" if len(value) >= _LONG_ENOUGH else "…"
