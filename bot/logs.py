"""Logging: one line an event, to stderr; what customers write, their addresses and secrets stay out."""

import logging
import sys
import traceback
from copy import copy
from types import TracebackType

import structlog
from psycopg import Error as DatabaseError

#: Libraries that log what they send or receive: URLs with tokens, bodies with messages.
_TALKATIVE = ("httpx", "httpcore", "twilio", "telegram", "stripe", "urllib3", "procrastinate", "rasa", "matplotlib")
#: Libraries that repeat, as an error, what they could not read: half an answer may hold a customer's words.
_REPEATING = ("telegram.request",)


def configure_logs(level: str) -> None:
    """Send our own log to stderr at `level`; talkative libraries only warn, and errors are told without their words."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    hush()
    # Rasa logs every message's text through structlog at debug level.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), cache_logger_on_first_use=False
    )


def hush() -> None:
    """Have libraries keep what they send and receive to themselves."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Discreet(logging.Formatter):
    """Tells what kind of error it was and where it happened, never in its own words: they may be a customer's.

    A database repeats the row it refused, a driver the values it sent, a parser what it could not read.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line and its error; what another formatter made of the error is not used."""
        own = copy(record)
        own.exc_text = None
        if own.exc_info and own.name == "asyncio":
            # Of an error that nobody heard of it shows all, from the second line on.
            own.msg, own.args = own.getMessage().partition("\n")[0], None
        return super().format(own)

    def formatException(  # noqa: N802 - the name it has in `logging`
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return the chain of errors, the first cause first, each with its frames."""
        told: list[str] = []
        seen: set[int] = set()
        error = ei[1]
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            frames = "".join(traceback.format_tb(error.__traceback__))
            kinds = (
                f", with {', '.join(map(kind_of, error.exceptions))}" if isinstance(error, BaseExceptionGroup) else ""
            )
            told.append(f"{frames}{kind_of(error)}{kinds}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nwhich led to\n".join(reversed(told))


def kind_of(error: BaseException) -> str:
    """Return an error's class and what of its facts is nobody's words: a code and a constraint, a system's number."""
    # What the driver said is worth more than what the session made of it.
    error = getattr(error, "orig", None) or error
    kind = type(error)
    facts: list[object] = []
    if isinstance(error, DatabaseError):
        facts = [error.sqlstate, error.diag.constraint_name]
    elif isinstance(error, OSError):
        facts = [error.errno]
    said = " ".join(str(one) for one in facts if one is not None)
    return f"{kind.__module__}.{kind.__qualname__}" + (f" [{said}]" if said else "")
