"""What Telegram refuses, in its own words, and how it reads parameters."""

import json
from typing import Any

LONGEST_TEXT = 4096
LONGEST_DATA = 64
LONGEST_ANSWER = 200
MOST_BUTTONS = 100


class TelegramRefused(Exception):
    """A call that Telegram would answer with ok: false."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """Return the refusal as Telegram writes it."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        return answer | ({"parameters": self.parameters} if self.parameters else {})


def bad(what: str) -> TelegramRefused:
    """Return the refusal of a wrong request."""
    return TelegramRefused(400, f"Bad Request: {what}")


def whole_number(fields: dict[str, Any], name: str, missing: str) -> int:
    """Return a parameter that is a number, however it was written."""
    try:
        number = int(fields[name])
    except (KeyError, TypeError, ValueError):
        raise bad(missing) from None
    if abs(number) >= 2**63:
        raise bad(missing)
    return number


def number_or(fields: dict[str, Any], name: str, default: int) -> int:
    """Return a parameter that is a number, or what it is when it is left out."""
    return whole_number(fields, name, f"wrong parameter {name}") if fields.get(name) not in (None, "") else default


def text_of(fields: dict[str, Any]) -> str:
    """Return the text of a message; Telegram trims it."""
    text = fields.get("text")
    text = text.strip() if isinstance(text, str) else ""
    if not text:
        raise bad("message text is empty")
    if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        raise bad("message is too long")
    if fields.get("parse_mode"):
        raise bad("this stand-in shows plain text only: leave out parse_mode")
    return text


def keyboard_of(fields: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the inline keyboard, checked; an empty list where there is none."""
    markup = fields.get("reply_markup")
    if isinstance(markup, str):
        try:
            markup = json.loads(markup or "null")
        except ValueError:
            raise bad("can't parse reply keyboard markup JSON object") from None
    if not markup:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("object expected as reply markup")
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise bad("reply markup is too long")
    for button in buttons:
        _check_button(button)
    return [row for row in rows if row]


def _check_button(button: Any) -> None:
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad("can't parse inline keyboard button: text must be non-empty")
    data = button.get("callback_data")
    if data is None and not button.get("url"):
        raise bad("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    if data is not None and not (isinstance(data, str) and 1 <= len(data.encode()) <= LONGEST_DATA):
        raise bad("BUTTON_DATA_INVALID")
