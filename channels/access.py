"""How the vendors behind the channels are reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TwilioAccess:
    """An account. `api_url` replaces https://api.twilio.com where set."""

    account_sid: str
    auth_token: str = field(repr=False)
    sms_number: str
    whatsapp_number: str
    api_url: str | None
    webhook_base: str
    #: The service that SMS go out by (MG...), with its opt-out texts and its pool; empty for none.
    messaging_service_sid: str = ""
    #: Whether WhatsApp shows that an answer is being written; not for health data (no HIPAA, says Twilio).
    typing: bool = True


@dataclass(frozen=True, slots=True)
class TelegramAccess:
    """A bot. `api_url` replaces https://api.telegram.org where set."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    api_url: str | None

    @property
    def bot_id(self) -> str:
        """The bot's numeric id: the part of its token before the colon."""
        return self.token.split(":", 1)[0]


@dataclass(frozen=True, slots=True)
class MailAccess:
    """A mail server that takes our letters (SMTP submission), and the address that they come from."""

    host: str
    port: int
    #: The envelope's sender and the address in From; bounces that come later go there.
    sender: str
    #: `starttls` (refuses to go on without), `tls` (from the first byte), `none` (loopback only).
    security: str
    username: str = ""
    password: str = field(default="", repr=False)
    #: A file with the certificate that signs the server's, where no public authority does.
    ca_file: str = ""
