"""Settings: typed, from the environment and `.env`, validated at start.

No credentials means the sandbox: the same clients talk to our stand-ins under `/sandbox`, with
credentials derived from the secret key, so that every process agrees on them.
"""

import hashlib
import hmac
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.vault import read_keys
from channels.mail_address import clean_address

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(BaseSettings):
    """Everything that differs between installations."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(description="PostgreSQL, as postgresql://user:password@host:port/name")
    redis_url: str = Field(description="Redis, as redis://host:port/0 or unix:///path/to/socket")
    host: str = Field("127.0.0.1", description="Address the web server listens on")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on")
    public_url: str = Field("", description="How the world reaches the web server; http://HOST:PORT if empty")
    secret_key: SecretStr = Field(description="At least 32 characters; signs sessions, derives sandbox credentials")
    vault_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys that seal businesses' own credentials, comma-separated: the first seals, all open; "
        "`threadbook credentials key` makes one",
    )
    model_dir: Path = Field(Path(".threadbook/models"), description="Where trained models are kept")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    burst_seconds: float = Field(1.5, ge=0, le=10, description="Quiet time to wait for, after free text on SMS")
    worker_concurrency: int = Field(
        8,
        ge=1,
        le=64,
        description="Payments, reminders and other tasks that one worker runs at once; "
        "turns and deliveries have places of their own",
    )

    sandbox_off: bool = Field(
        False, description="Let no stand-in serve, although no live credential is set here: businesses have their own"
    )
    sandbox_smtp_host: str = Field(
        "127.0.0.1", description="Where workers find the sandbox's mail server: the web server's name in its network"
    )
    twilio_account_sid: str = Field("", description="Twilio account (AC...)")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="Twilio auth token; also verifies webhooks")
    twilio_sms_number: str = Field("", description="Our number for SMS, as +15550001111")
    twilio_whatsapp_number: str = Field("", description="Our number for WhatsApp, as +15550001111")
    twilio_messaging_service_sid: str = Field(
        "", pattern=r"^(MG[0-9a-fA-F]{32})?$", description="Messaging service for SMS (MG...), if there is one"
    )
    twilio_sms_per_second: float = Field(
        1.0, gt=0, le=1000, description="Segments a second our SMS number may send: 1 for a long code"
    )
    whatsapp_typing: bool = Field(
        True, description="Show on WhatsApp that an answer is being written; not where health data is protected by law"
    )
    telegram_token: SecretStr = Field(SecretStr(""), description="Telegram bot token")
    telegram_secret: SecretStr = Field(SecretStr(""), description="Telegram webhook secret, A-Z a-z 0-9 _ -")
    telegram_polling: bool = Field(
        False, description="Fetch Telegram's updates instead of being called: for a machine that nobody can reach"
    )
    smtp_host: str = Field("", description="Mail server that takes our letters; empty: no e-mail, or the sandbox's")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with tls")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls, or none: only for a server on this machine"
    )
    smtp_username: str = Field("", description="User at the mail server, if it wants one")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server")
    smtp_from: str = Field("", description="Address that letters come from; its mailbox gets what bounces later")
    smtp_ca_file: str = Field("", description="Certificate that signs the mail server's, if no public authority does")
    stripe_secret_key: SecretStr = Field(SecretStr(""), description="Stripe secret key (sk_...)")
    stripe_webhook_secret: SecretStr = Field(SecretStr(""), description="Stripe signing secret (whsec_...)")

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("vault_keys")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        read_keys(value.get_secret_value())
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in _LEVELS:
            raise ValueError(f"must be {', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}")
        return value.upper()

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be an address such as https://book.example.org")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @model_validator(mode="after")
    def _complete_vendors(self) -> Self:
        twilio = [self.twilio_account_sid, self.twilio_auth_token.get_secret_value()]
        if any(twilio) and not all(twilio):
            raise ValueError("set both TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or neither")
        stripe = [self.stripe_secret_key.get_secret_value(), self.stripe_webhook_secret.get_secret_value()]
        if any(stripe) and not all(stripe):
            raise ValueError("set both STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET, or neither")
        telegram = [self.telegram_token.get_secret_value(), self.telegram_secret.get_secret_value()]
        if any(telegram) and not all(telegram):
            raise ValueError("set both TELEGRAM_TOKEN and TELEGRAM_SECRET, or neither")
        if self.smtp_host and clean_address(self.smtp_from) is None:
            raise ValueError("set SMTP_FROM, too, to an address such as bookings@example.org")
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("set SMTP_SECURITY to starttls or tls: a password must not travel in the open")
        return self

    @cached_property
    def base_url(self) -> str:
        """How the world reaches us, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def sandbox(self) -> bool:
        """Whether the stand-ins serve: only while no live credential at all is set, and nobody forbids it."""
        return not (
            self.sandbox_off
            or self.twilio_account_sid
            or self.telegram_token.get_secret_value()
            or self.stripe_secret_key.get_secret_value()
            or self.smtp_host
        )

    @property
    def telegram_calls(self) -> bool:
        """Whether Telegram is to be told where businesses' own bots are reached; else their updates are fetched."""
        return not (self.sandbox or self.telegram_polling)

    @property
    def sandbox_smtp_port(self) -> int:
        """Where the sandbox's mail server listens: far from the ports that people choose."""
        return self.port + 10_000 if self.port <= 55_535 else self.port - 10_000

    def derived(self, purpose: str) -> str:
        """Return a secret for one purpose, the same in every process of this installation."""
        key = self.secret_key.get_secret_value().encode()
        return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()
