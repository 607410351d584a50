"""How many messages of one channel this process has on their way at once: who is slow takes no place of the others'."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

#: Of a channel, whoever's number or bot it is. Mail servers close the door to who opens many lines at once.
AT_ONCE: Mapping[str, int] = {"sms": 20, "whatsapp": 20, "telegram": 20, "email": 6}


class Places:
    """The places of a process; a channel that is not named has as many as it wants."""

    def __init__(self, at_once: Mapping[str, int] = AT_ONCE) -> None:
        self._at_once = at_once
        self._taken: dict[UUID, str] = {}
        self._counts: Counter[str] = Counter()

    def take(self, channel: str, message_id: UUID) -> bool:
        """Take a place for a message until it leaves; false where all of its channel's are taken."""
        if message_id in self._taken:
            return True
        if self._counts[channel] >= self._at_once.get(channel, self._counts[channel] + 1):
            return False
        self._taken[message_id] = channel
        self._counts[channel] += 1
        return True

    def leave(self, message_id: UUID) -> None:
        """Leave the message's place, if it has one."""
        channel = self._taken.pop(message_id, None)
        if channel is not None:
            self._counts[channel] -= 1


#: As many places as are wanted.
ANY = Places({})
