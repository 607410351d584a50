"""What Twilio's error codes mean to us: one table for refused requests and for status callbacks.

https://www.twilio.com/docs/api/errors
"""

import re
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
    #: This address takes no messages: another channel, or a call.
    unreachable: bool = False
    #: Once more, as an approved template.
    needs_template: bool = False
    #: Something of ours is not set up: it concerns every message until somebody mends it.
    ours: bool = False


PERMANENT = Meaning()
OPTED_OUT = Meaning(opted_out=True)
SOON = Meaning(retryable=True)
LATER = Meaning(retryable=True, wait=timedelta(seconds=30))
MUCH_LATER = Meaning(retryable=True, wait=timedelta(minutes=2))
UNREACHABLE = Meaning(unreachable=True)
TEMPLATE = Meaning(needs_template=True)
OURS = Meaning(ours=True)

MEANINGS: Mapping[int, Meaning] = {
    20001: SOON,  # unknown
    20003: LATER,  # not authenticated: a wrong token is mended by hand, meanwhile nothing is lost
    20429: LATER,  # too many requests
    20500: SOON,  # internal server error
    20503: SOON,  # service unavailable
    21211: UNREACHABLE,  # invalid 'To'
    21408: OURS,  # region not enabled
    21606: OURS,  # 'From' is not ours
    21610: OPTED_OUT,  # the recipient unsubscribed
    21611: LATER,  # the sender's queue is full
    21612: UNREACHABLE,  # no way from this number to that one
    21614: UNREACHABLE,  # not a mobile number
    21617: PERMANENT,  # longer than 1600 characters
    21656: PERMANENT,  # ContentVariables are malformed
    21659: OURS,  # 'From' is not a number of ours
    21701: OURS,  # no such messaging service
    21703: OURS,  # the messaging service has no number
    30001: MUCH_LATER,  # queue overflow
    30003: UNREACHABLE,  # handset switched off or out of reach, after Twilio's own attempts
    30004: PERMANENT,  # blocked by the carrier or the recipient: no other channel either
    30005: UNREACHABLE,  # unknown handset
    30006: UNREACHABLE,  # landline
    30007: PERMANENT,  # filtered
    30008: PERMANENT,  # unknown, after Twilio's own attempts
    30022: MUCH_LATER,  # 10DLC rate, or many messages to one number
    30034: OURS,  # unregistered 10DLC number
    30036: PERMANENT,  # the validity period ended
    30047: PERMANENT,  # could not be put off to after the restricted hours
    30610: MUCH_LATER,  # restricted hours
    63003: UNREACHABLE,  # no such WhatsApp user
    63007: OURS,  # the WhatsApp sender is not set up
    63016: TEMPLATE,  # outside WhatsApp's 24 hours without a template
    63018: LATER,  # WhatsApp rate
    63021: PERMANENT,  # invalid content
    63024: UNREACHABLE,  # invalid recipient
    63028: PERMANENT,  # wrong number of variables
    63049: PERMANENT,  # withheld by Meta
}
_OF_TWILIO = re.compile(r"twilio_(\d{5})")


def meaning_of(code: int, status: int = 400) -> Meaning:
    """Return what a code means; an unknown one by its HTTP status: 429 and 5xx pass, the rest is for good."""
    if code in MEANINGS:
        return MEANINGS[code]
    if status == 429:
        return LATER
    return SOON if status >= 500 else PERMANENT


def meaning_of_error(error: str | None) -> Meaning:
    """Return what a message's recorded error means; those of other channels mean nothing here."""
    found = _OF_TWILIO.fullmatch(error or "")
    return meaning_of(int(found[1])) if found else PERMANENT


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
        needs_template=meaning.needs_template,
    )
