"""What Twilio's error codes mean to us: one table for refused requests and for status callbacks.

https://www.twilio.com/docs/api/errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from channels.contract import SendError


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to do about a code."""

    retryable: bool = False
    opted_out: bool = False
    #: Not before so long, where Twilio is known to need it.
    wait: timedelta | None = None


PERMANENT = Meaning()
OPTED_OUT = Meaning(opted_out=True)
SOON = Meaning(retryable=True)
LATER = Meaning(retryable=True, wait=timedelta(seconds=30))

MEANINGS: Mapping[int, Meaning] = {
    20001: SOON,  # unknown
    20003: LATER,  # not authenticated: a wrong token is mended by hand, meanwhile nothing is lost
    20429: LATER,  # too many requests
    20500: SOON,  # internal server error
    20503: SOON,  # service unavailable
    21211: PERMANENT,  # invalid 'To'
    21408: PERMANENT,  # region not enabled
    21606: PERMANENT,  # 'From' is not ours
    21610: OPTED_OUT,  # the recipient unsubscribed
    21611: LATER,  # the sender's queue is full
    21614: PERMANENT,  # not a mobile number
    21617: PERMANENT,  # longer than 1600 characters
    21656: PERMANENT,  # ContentVariables are malformed
    30001: LATER,  # queue overflow
    30003: PERMANENT,  # handset unreachable
    30004: PERMANENT,  # blocked by the carrier or the recipient
    30005: PERMANENT,  # unknown handset
    30006: PERMANENT,  # landline
    30007: PERMANENT,  # filtered
    30008: PERMANENT,  # unknown, after Twilio's own attempts
    30022: LATER,  # 10DLC rate
    30034: PERMANENT,  # unregistered 10DLC number
    30036: PERMANENT,  # the validity period ended
    30610: LATER,  # restricted hours
    63003: PERMANENT,  # no such WhatsApp user
    63016: PERMANENT,  # outside WhatsApp's 24 hours without a template
    63018: LATER,  # WhatsApp rate
    63021: PERMANENT,  # invalid content
    63024: PERMANENT,  # invalid recipient
    63028: PERMANENT,  # wrong number of variables
    63049: PERMANENT,  # withheld by Meta
}


def meaning_of(code: int, status: int = 400) -> Meaning:
    """Return what a code means; an unknown one by its HTTP status: 429 and 5xx pass, the rest is for good."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status == 429:
        return LATER
    return SOON if status >= 500 else PERMANENT


def refusal(code: int, status: int) -> SendError:
    """Return the error for a request that Twilio answered with a refusal."""
    meaning = meaning_of(code, status)
    return SendError(
        f"twilio_{code}",
        retryable=meaning.retryable,
        retry_after=meaning.wait,
        opted_out=meaning.opted_out,
        # A server error may come after the message was taken: look before sending again.
        unsure=status >= 500,
    )
