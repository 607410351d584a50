"""The staff's console: inbox, calendar, tasks and transcripts over the same services as the bot.

It has no second write path: replies go through `channels.messages`, who answers through `bot.handoff`.
"""

from bot.console.desk import Desk
from bot.console.routes import router_for

__all__ = ["Desk", "router_for"]
