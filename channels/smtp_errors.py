"""What a mail server's refusals mean to us: the basic code, made precise by the enhanced one where it is told.

https://www.rfc-editor.org/rfc/rfc5321 (4.2), https://www.rfc-editor.org/rfc/rfc3463,
https://www.iana.org/assignments/smtp-enhanced-status-codes
"""

import re
from collections.abc import Mapping

from channels.contract import SendError
from channels.twilio_errors import LATER, MUCH_LATER, OURS, PERMANENT, SOON, UNREACHABLE, Meaning

#: Ours to mend, and worth trying again meanwhile: a password, a certificate.
MENDED_BY_HAND = Meaning(retryable=True, wait=LATER.wait, ours=True)

BASIC: Mapping[int, Meaning] = {
    421: LATER,  # the service closes the connection
    432: MUCH_LATER,  # a password transition is needed
    450: MUCH_LATER,  # mailbox busy, and greylisting
    451: MUCH_LATER,  # local error, and greylisting
    452: MUCH_LATER,  # too little storage
    454: LATER,  # TLS or authentication is not available now
    521: UNREACHABLE,  # the host takes no mail
    530: OURS,  # STARTTLS or authentication first
    534: OURS,  # a stronger authentication is wanted
    535: MENDED_BY_HAND,  # wrong user or password
    538: OURS,  # authentication only under TLS
    550: UNREACHABLE,  # no such mailbox, unless the enhanced code says otherwise
    551: UNREACHABLE,  # the user is elsewhere
    552: PERMANENT,  # too large, or over the quota
    553: UNREACHABLE,  # the mailbox's name is not allowed
    554: PERMANENT,  # refused
    556: UNREACHABLE,  # the domain takes no mail
}
ENHANCED: Mapping[str, Meaning] = {
    "5.1.0": UNREACHABLE,  # other address status
    "5.1.1": UNREACHABLE,  # no such mailbox
    "5.1.2": UNREACHABLE,  # no such host
    "5.1.3": UNREACHABLE,  # bad syntax of the mailbox
    "5.1.6": UNREACHABLE,  # moved, nobody knows where
    "5.1.8": OURS,  # our own domain is not known
    "5.1.10": UNREACHABLE,  # null MX
    "5.2.1": UNREACHABLE,  # disabled
    "5.2.2": UNREACHABLE,  # full
    "5.2.3": PERMANENT,  # longer than they take
    "5.3.4": PERMANENT,  # too large for the system
    "5.4.1": UNREACHABLE,  # no answer from the host
    "5.7.1": PERMANENT,  # refused by policy: no other channel for who does not want it
    "5.7.20": OURS,  # no passing DKIM signature
    "5.7.23": OURS,  # SPF failed
    "5.7.25": OURS,  # reverse DNS failed
    "5.7.26": OURS,  # several authentication checks failed
    "5.7.27": OURS,  # our domain takes no mail itself
    "5.7.0": OURS,  # authentication or TLS first
    "5.7.8": MENDED_BY_HAND,  # credentials invalid
    "5.7.9": OURS,  # mechanism too weak
}
#: What happens before or beside a code of the server.
OWN: Mapping[str, Meaning] = {
    "smtp_unreachable": SOON,  # no connection: nothing was sent
    "smtp_lost": SOON,  # the connection broke before the letter was handed over
    "smtp_tls": MENDED_BY_HAND,  # no TLS, or a certificate that nobody we trust has signed
    "smtp_sender": OURS,  # the server does not let us write from SMTP_FROM
    "smtp_letter_missing": PERMANENT,  # nothing to send: a bug
    "smtp_address": UNREACHABLE,  # no address that can be written to
    "smtp_no_answer": PERMANENT,  # after the letter was handed over: nobody can tell
}
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_RECORDED = re.compile(r"smtp_(\d{3})(?:_([245]\.\d{1,3}\.\d{1,3}))?")


def meaning_of_reply(code: int, enhanced: str | None = None) -> Meaning:
    """Return what a reply means; an unknown one by its first digit: 4 passes, 5 is for good."""
    if enhanced is not None and enhanced in ENHANCED and code >= 500:
        return ENHANCED[enhanced]
    return BASIC.get(code, SOON if code < 500 else PERMANENT)


def meaning_of_smtp(error: str) -> Meaning:
    """Return what a message's recorded error means."""
    found = _RECORDED.fullmatch(error)
    if found is None:
        return OWN.get(error, PERMANENT)
    return meaning_of_reply(int(found[1]), found[2])


def refusal(code: int, words: str) -> SendError:
    """Return the error for a reply of the server, of whose words only the enhanced code is kept."""
    match = _ENHANCED.match(words)
    enhanced = match[1] if match else None
    meaning = meaning_of_reply(code, enhanced)
    name = f"smtp_{code}_{enhanced}" if enhanced else f"smtp_{code}"
    return SendError(name, retryable=meaning.retryable, retry_after=meaning.wait)


def trouble(name: str, *, unsure: bool = False) -> SendError:
    """Return the error for something that is no reply, by its name in `OWN`."""
    meaning = OWN[name]
    return SendError(name, retryable=meaning.retryable, retry_after=meaning.wait, unsure=unsure)
