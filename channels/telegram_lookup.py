"""Whether Telegram has a message, which has neither a list nor a key for it: by trying the ids that it can have.

A bot's messages in private chats are numbered by one count (docs/decisions/0019-telegram-by-trying-ids.md). What is
tried is an edit that no text allows, so that nobody's screen changes whichever message has the number.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import telegram
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError

from channels.contract import Neighbours, OutgoingMessage, SendError

#: Numbers of messages that nobody has told us of yet: how many of them are tried, and beyond the newest known one.
MOST_TRIED, AHEAD = 60, 20
#: A range of numbers that nobody need count through.
WIDEST = 100_000
#: Telegram's refusals of the edit, by what they say of the message.
OURS = "there is no caption in the message to edit"
NOBODYS = "message to edit not found"
NOT_OURS = "message can't be edited"
#: Times that one number is tried while Telegram cannot answer, and the seconds between.
TRIES, PAUSE = 4, 0.3
LONGEST_PAUSE = 5.0


async def find_number(bot: telegram.Bot, message: OutgoingMessage) -> int | None:
    """Return the message's number, None where Telegram certainly has none; raises SendError or TelegramError.

    It is certain only when every number that it can have was tried a while after the last attempt.
    """
    around = message.neighbours
    if around is None or not around.alone:
        raise _doubt(retryable=False)
    numbers, bounded = candidates_for(around)
    for number in numbers:
        if await _is_ours(bot, message.address, number):
            return number
    if not around.at_rest or not (bounded or await _knows_all(bot)):
        raise _doubt(retryable=True)
    return None


def candidates_for(around: Neighbours) -> tuple[list[int], bool]:
    """Return the numbers that a message can have, and whether it can have no other; raises SendError.

    Without a message that is certainly newer they end soon after the newest that is known.
    """
    chats = _chats_by_number([*around.before, *around.since])
    if any(len(there) > 1 for there in chats.values()):
        raise _doubt(retryable=False)  # not one count: nothing follows from any number
    before, after = _chats_by_number(around.before), _chats_by_number(around.after)
    if not before:
        raise _doubt(retryable=False)
    first, end = max(before) + 1, min(after, default=max(chats) + 1 + AHEAD)
    if end - first > WIDEST:
        raise _doubt(retryable=False)
    numbers = [number for number in range(first, end) if number not in chats]
    if len(numbers) > MOST_TRIED:
        raise _doubt(retryable=False)
    return numbers, bool(after)


def _chats_by_number(ids: Iterable[str]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for one in ids:
        chat, _, rest = one.partition(":")
        number = rest.partition(":")[0]
        # Taps have names of another kind.
        if chat.isdecimal() and number.isdecimal():
            found.setdefault(int(number), set()).add(chat)
    return found


async def _is_ours(bot: telegram.Bot, chat: str, number: int) -> bool:
    for attempt in range(TRIES):
        try:
            await bot.edit_message_caption(chat_id=chat, message_id=number)
        except BadRequest as refusal:
            said = refusal.message.lower()
            if OURS in said:
                return True
            if NOBODYS in said or NOT_OURS in said:
                return False
            raise
        except (Forbidden, InvalidToken):
            raise
        except TelegramError as error:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(_pause(error))
        else:
            break
    # It has a caption: no message of this program.
    raise _doubt(retryable=False)


def _pause(error: TelegramError) -> float:
    if not isinstance(error, RetryAfter):
        return PAUSE
    asked = error.retry_after
    return min(asked.total_seconds() if isinstance(asked, timedelta) else float(asked), LONGEST_PAUSE)


async def _knows_all(bot: telegram.Bot) -> bool:
    """Whether we were told of everything: numbers that we know nothing of are none but the next few."""
    return (await bot.get_webhook_info()).pending_update_count == 0


def _doubt(*, retryable: bool) -> SendError:
    return SendError("telegram_has_no_list", retryable=retryable, unsure=True)
