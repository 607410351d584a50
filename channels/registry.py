"""Settings to channels: which adapters this installation has."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from fastapi import Request

from channels import telegram as telegram_bot
from channels import twilio_form
from channels.access import MailAccess, TelegramAccess, TwilioAccess
from channels.contract import Channel, Closes
from channels.lines import Addressed
from channels.mail import Mail
from channels.telegram import Telegram
from channels.twilio import Twilio
from channels.web import WebChat

#: A list button's caption where nobody brings words: understood everywhere.
MENU_SIGN = "☰"

#: Where businesses may have accounts of their own: how a webhook there says whom it is for.
ADDRESSED: Mapping[str, Callable[[Request], Awaitable[Addressed]]] = {
    "sms": twilio_form.addressed,
    "whatsapp": twilio_form.addressed,
    "telegram": telegram_bot.addressed,
}
#: Of these only the door's address says it.
BY_DOOR = frozenset({"telegram"})


def build(
    *,
    twilio: TwilioAccess | None,
    telegram: TelegramAccess | None,
    mail: MailAccess | None = None,
    burst_seconds: float = 1.5,
    list_button: Callable[[str], str] = lambda _locale: MENU_SIGN,
) -> Mapping[str, Channel]:
    """Return the adapters by name: those with credentials, and the web chat, which needs none.

    `list_button` words the button that opens a WhatsApp list, by locale.
    """
    # httpx logs every address it calls: Telegram's contains the bot's token, Twilio's a customer's number.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    quiet = timedelta(seconds=burst_seconds)
    channels: list[Channel] = [WebChat(quiet=min(quiet, WebChat().quiet))]
    if twilio is not None:
        channels += [Twilio.sms(twilio, quiet=quiet), Twilio.whatsapp(twilio, quiet=quiet, list_button=list_button)]
    if telegram is not None:
        channels.append(Telegram(telegram, quiet=quiet))
    if mail is not None:
        channels.append(Mail(mail))
    return {channel.name: channel for channel in channels}


def own(
    twilio: TwilioAccess | None,
    telegram: TelegramAccess | None,
    *,
    burst_seconds: float,
    list_button: Callable[[str], str],
) -> Mapping[str, Channel]:
    """Return the adapters of one business's own credentials: those with webhooks, and no web chat."""
    built = build(twilio=twilio, telegram=telegram, burst_seconds=burst_seconds, list_button=list_button)
    return {name: channel for name, channel in built.items() if name in ADDRESSED}


def addresses(twilio: TwilioAccess | None, telegram: TelegramAccess | None) -> Mapping[str, str]:
    """Return this installation's own address on each channel, as `channel_account` rows hold them."""
    found = {}
    if twilio is not None and twilio.sms_number:
        found["sms"] = twilio.sms_number
    if twilio is not None and twilio.whatsapp_number:
        found["whatsapp"] = "whatsapp:" + twilio.whatsapp_number.removeprefix("whatsapp:")
    if telegram is not None:
        found["telegram"] = telegram.bot_id
    return found


async def close(channels: Mapping[str, Channel]) -> None:
    """Close the connections that adapters keep."""
    for channel in channels.values():
        if isinstance(channel, Closes):
            await channel.close()
