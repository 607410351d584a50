"""Logging: one line an event, to stderr; what customers write, their addresses and secrets stay out."""

import logging
import sys

import structlog

#: Libraries that log what they send or receive: URLs with tokens, bodies with messages.
_TALKATIVE = ("httpx", "httpcore", "twilio", "telegram", "stripe", "urllib3", "procrastinate", "rasa", "matplotlib")
#: Libraries that repeat, as an error, what they could not read: half an answer may hold a customer's words.
_REPEATING = ("telegram.request",)


def configure_logs(level: str) -> None:
    """Send our own log to stderr at `level`; talkative libraries only warn."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
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
