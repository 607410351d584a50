"""The web chat as a channel: what is queued for it is there to be read as soon as it is sent."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request

from channels.contract import Event, Malformed, OutgoingMessage, ProviderId

NAME = "web"


@dataclass(frozen=True, slots=True)
class WebChat:
    """Our own pages fetch the messages (`web_routes.py`); there is no provider in between."""

    name: str = NAME
    quiet: timedelta = timedelta(seconds=0.7)

    async def read(self, request: Request) -> list[Event]:
        """Refuse: browsers come in by doors of their own."""
        raise Malformed("the web chat has no webhook")

    async def send(self, message: OutgoingMessage) -> ProviderId:
        """Let the message be seen: once it counts as sent, the page may read it."""
        return ProviderId(message.key)

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        """Say that it was sent: sending again is the same message in the same place."""
        return ProviderId(message.key)
