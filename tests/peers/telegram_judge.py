"""Judges Telegram traffic by aiogram's models, which others generate from Telegram's own documentation.

Runs in an environment of its own (aiogram 3 does not live with rasa): JSON lines in, a verdict line out for
each: {"method": "sendMessage", "params": {...}}, or {"update": {...}}, or {"method": ..., "answer": ...}.
"""

import json
import sys
from typing import Any, get_args

import aiogram.methods
from aiogram.types import InlineKeyboardMarkup, Update
from pydantic import TypeAdapter, ValidationError


def method_of(name: str) -> Any:
    return getattr(aiogram.methods, name[0].upper() + name[1:])


def judge(line: dict[str, Any]) -> str:
    if "update" in line:
        Update.model_validate(line["update"])
        unknown = set(line["update"]) - set(Update.model_fields)
        return f"unknown fields: {sorted(unknown)}" if unknown else "ok"
    method = method_of(line["method"])
    if "answer" in line:
        TypeAdapter(method.__returning__).validate_python(line["answer"])
        return "ok"
    params = dict(line["params"])
    if unknown := set(params) - set(method.model_fields):
        return f"unknown parameters: {sorted(unknown)}"
    if params.get("reply_markup"):
        # In the method's union a button without text would pass.
        markup = InlineKeyboardMarkup.model_validate(params["reply_markup"])
        for row in markup.inline_keyboard:
            for button in row:
                if not button.text or not 1 <= len((button.callback_data or "").encode()) <= 64:
                    return "a button without text, or data beyond 1-64 bytes"
    if "text" in params and not 1 <= len(params["text"]) <= 4096:
        return "a text beyond 1-4096 characters"
    method.model_validate(params)
    return "ok"


def main() -> None:
    assert get_args(aiogram.methods.EditMessageReplyMarkup.__returning__), "Message or True"
    for written in sys.stdin:
        try:
            verdict = judge(json.loads(written))
        except ValidationError as error:
            verdict = str(error)
        sys.stdout.write(json.dumps(verdict) + "\n")


if __name__ == "__main__":
    main()
