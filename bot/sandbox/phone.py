"""One phone of the sandbox: a channel and an address on it."""

import re
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Path
from pydantic import BaseModel

from bot.sandbox.twilio_sending import E164, SCOPED_ID

_USER_ID = re.compile(r"[1-9]\d{2,14}")

ChannelName = Literal["sms", "whatsapp", "telegram"]


class Phone(BaseModel):
    """One end of a thread."""

    channel: ChannelName
    address: str


def known_phone(channel: ChannelName, address: Annotated[str, Path(max_length=140)]) -> Phone:
    """Return the phone that a path names; refuses what is no number or user id."""
    shape = _USER_ID if channel == "telegram" else E164
    scoped = channel == "whatsapp" and SCOPED_ID.fullmatch(address)
    if not scoped and not shape.fullmatch(address):
        raise HTTPException(422, "a number such as +34600111222, or a Telegram user id such as 700100200")
    return Phone(channel=channel, address=address)


ThisPhone = Annotated[Phone, Depends(known_phone)]
