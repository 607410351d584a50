"""How far a message of ours has come: reports arrive in any order, and it only ever moves forward."""

from collections.abc import Iterable

from channels.models import Delivery

#: `delivered` and `failed` are equals: whichever is reported first stays, but a message that was read arrived.
RANK = {
    Delivery.QUEUED: 0,
    Delivery.SENDING: 1,
    Delivery.UNSURE: 2,
    Delivery.SENT: 3,
    Delivery.DELIVERED: 4,
    Delivery.FAILED: 4,
    Delivery.READ: 5,
    Delivery.SUPPRESSED: 6,
}


def after_report(current: Delivery, reported: Delivery) -> Delivery:
    """Return the status after a report: the reported one if it is further, else the current one."""
    if current not in RANK or reported not in RANK:
        return current
    return reported if RANK[reported] > RANK[current] else current


def after_reports(current: Delivery, reported: Iterable[Delivery]) -> Delivery:
    """Return the status after several reports."""
    for report in reported:
        current = after_report(current, report)
    return current
