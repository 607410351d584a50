"""Long texts: cut into parts that a channel takes, at the kindest place."""

from collections.abc import Sequence

#: The longest text that the provider takes (Twilio: error 21617; Telegram: "message is too long").
LONGEST = {"sms": 1600, "whatsapp": 1600, "telegram": 4096}
#: The longest that any other channel gets, so that a row stays a message.
LONGEST_ELSEWHERE = 10_000


def numbered(text: str, labels: Sequence[str]) -> str:
    """Return the text followed by its choices as lines to answer by number."""
    return "\n".join([text, *(f"{number} {label}" for number, label in enumerate(labels, start=1))])


def parts_for(channel: str, text: str, labels: Sequence[str]) -> list[str]:
    """Cut a text so that each part, the last with its numbered choices, fits in one message of the channel."""
    room = LONGEST.get(channel, LONGEST_ELSEWHERE)
    tail = len(numbered("", labels))
    if len(text) + tail <= room:
        return [text]
    return split_text(text, max(room - tail, room // 4))


def split_text(text: str, longest: int) -> list[str]:
    """Cut a text into parts of at most `longest` characters: between paragraphs, lines, sentences or words."""
    parts = []
    rest = text.strip()
    while len(rest) > longest:
        cut = _cut(rest, longest)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest or not parts else parts


def _cut(text: str, longest: int) -> int:
    for mark in ("\n\n", "\n", ". ", " "):
        place = text.rfind(mark, 0, longest)
        # A part of less than half the room would make more messages than it is worth.
        if place >= longest // 2:
            return place + len(mark.rstrip())
    return longest
