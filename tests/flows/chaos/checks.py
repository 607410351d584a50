"""What must be true in the end. A violation names its thread, whose log is shown without anybody's words."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

#: What may be said without being asked, after an answer.
UNASKED = frozenset({"booked", "payment_link", "reminder", "info", "waitlist_offer", "cancelled", "handoff"})
#: Words so long are somebody's, and not of the log itself.
_TELLING = 9
OUT = ("sent", "delivered", "read")
Row = dict[str, Any]


@dataclass(frozen=True)
class Violation:
    """A promise that was not kept."""

    promise: str
    what: str
    thread: Any = None


def violations(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    """Return every violation of a system that is at rest."""
    yield from _work_is_done(connection)
    yield from _answers(connection)
    yield from _deliveries(connection)
    yield from _time(connection)
    yield from _money(connection)


def told_in_log(connection: "psycopg.Connection[Row]", log: str) -> Iterator[Violation]:
    """Return what the log of a run says of its customers: nothing of it should."""
    said = {
        "words": "SELECT DISTINCT text AS said FROM message",
        "addresses": "SELECT address AS said FROM conversation",
    }
    for what, query in said.items():
        # A short word may be anybody's: "yes" and "2" are in every log.
        found = sum(len(row["said"]) >= _TELLING and row["said"] in log for row in connection.execute(query))
        if found:
            yield Violation("logs tell nothing of customers", f"{found} {what} of customers are in the log")


def _work_is_done(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    for row in connection.execute(
        "SELECT task_name, status::text AS status, count(*) AS n FROM procrastinate_jobs"
        " WHERE status IN ('failed', 'doing', 'aborting', 'aborted') GROUP BY 1, 2"
    ):
        yield Violation("every job ends well", f"{row['n']} of {row['task_name']} are {row['status']}")


def _answers(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    threads: dict[Any, list[Row]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM message ORDER BY conversation_id, seq"):
        threads[row["conversation_id"]].append(row)
    for thread, rows in threads.items():
        for place, row in enumerate(rows):
            if row["sender"] != "customer":
                continue
            if row["status"] != "answered":
                yield Violation("each message is answered", f"seq {row['seq']} is {row['status']}", thread)
            following = rows[place + 1 :]
            end = next((at for at, one in enumerate(following) if one["sender"] == "customer"), len(following))
            said = following[:end]
            if not said and end == len(following):
                yield Violation("each message is answered", f"nothing was said to seq {row['seq']}", thread)
            # One turn says everything at one moment.
            turns = list(dict.fromkeys(one["created_at"] for one in said))
            later = [one for one in said if one["created_at"] != turns[0]] if turns else []
            asked_to_pay = any(one["act"] == "payment_link" for one in said)
            for one in later:
                # Whose hold ran out unpaid is offered other times.
                if one["act"] not in UNASKED and not (asked_to_pay and one["act"] == "offer_slots"):
                    yield Violation("each message is answered once", f"seq {one['seq']} ({one['act']}) too", thread)
            words = [(one["act"], one["text"]) for one in said]
            if len(set(words)) < len(words):
                yield Violation("each message is answered once", f"the same was said twice to seq {row['seq']}", thread)
    yield from _all_arrived(connection)


def _all_arrived(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    for row in connection.execute(
        "SELECT s.channel, count(*) AS n FROM sandbox_message s WHERE s.direction = 'in' AND (SELECT count(*)"
        " FROM message m WHERE m.sender = 'customer' AND m.channel = s.channel AND (m.provider_id = s.vendor_id"
        " OR m.provider_id = s.phone || ':' || s.vendor_id)) <> 1 AND s.channel <> 'telegram' GROUP BY 1"
    ):
        yield Violation("each message is stored once", f"{row['n']} of {row['channel']}")
    for row in connection.execute(
        "SELECT s.n, c.thread FROM (SELECT channel, phone, count(*) AS n FROM sandbox_message"
        " WHERE direction = 'in' AND channel = 'telegram' GROUP BY 1, 2) s LEFT JOIN (SELECT c.channel, c.address,"
        " (array_agg(c.id))[1] AS thread, count(*) AS n FROM message m JOIN conversation c"
        " ON c.id = m.conversation_id WHERE m.sender = 'customer' AND m.choice IS NULL GROUP BY 1, 2) c"
        " ON c.channel = s.channel AND c.address = s.phone WHERE c.n IS DISTINCT FROM s.n"
    ):
        yield Violation("each message is stored once", f"Telegram has {row['n']} of them", row["thread"])


def _deliveries(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    phones: dict[Any, list[Row]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM sandbox_message WHERE direction = 'out' ORDER BY n"):
        phones[row["channel"], row["phone"]].append(row)
    threads: dict[Any, list[Row]] = defaultdict(list)
    for row in connection.execute(
        "SELECT m.*, c.address FROM message m JOIN conversation c ON c.id = m.conversation_id"
        " WHERE m.sender <> 'customer' ORDER BY m.conversation_id, m.seq"
    ):
        threads[row["channel"], row["address"].removeprefix("whatsapp:")].append(row)
    told = {row["key"] for row in connection.execute("SELECT key FROM staff_task")}
    for (channel, phone), rows in threads.items():
        arrived = phones.pop((channel, phone), [])
        ids = [f"{phone}:{one['vendor_id']}" if channel == "telegram" else one["vendor_id"] for one in arrived]
        thread = rows[0]["conversation_id"]
        for row in rows:
            if row["status"] == "unsure":
                if f"message_failed:{row['id']}" not in told:
                    yield Violation("staff see what is unsure", f"seq {row['seq']}", thread)
            elif row["status"] not in (*OUT, "suppressed"):
                yield Violation("each reply is delivered", f"seq {row['seq']} is {row['status']}", thread)
            elif row["status"] in OUT and ids.count(row["provider_id"]) != 1:
                yield Violation("each reply is delivered once", f"seq {row['seq']} is not on the phone", thread)
        ours = [row["provider_id"] for row in rows if row["status"] in OUT]
        unsure = sum(row["status"] == "unsure" for row in rows)
        strange = [one for one in ids if one not in ours]
        if len(strange) > unsure:
            yield Violation("each reply is delivered once", f"{len(strange)} more are on the phone", thread)
        if [one for one in ids if one in ours] != ours:
            yield Violation("replies keep their order", f"{len(ours)} replies", thread)
    for (channel, _), rows in phones.items():
        yield Violation("each reply is one of ours", f"{len(rows)} on a phone of {channel} that has no thread")


def _time(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    for row in connection.execute(
        "SELECT b.id, b.state FROM booking b WHERE b.state = 'held' AND b.hold_expires_at < clock_timestamp()"
        " + coalesce((SELECT shift FROM clock_shift), interval '0')"
    ):
        yield Violation("no hold is leaked", f"booking {row['id']} is still held")
    for row in connection.execute(
        "SELECT a.booking_id, b.state FROM allocation a LEFT JOIN booking b ON b.id = a.booking_id"
        " WHERE a.booking_id IS NOT NULL AND (b.id IS NULL OR b.state NOT IN"
        " ('held', 'pending_approval', 'confirmed', 'checked_in', 'completed'))"
    ):
        yield Violation("no hold is leaked", f"booking {row['booking_id']} is {row['state']} and takes time")
    for row in connection.execute(
        "SELECT b.id FROM booking b WHERE b.state IN ('held', 'confirmed') AND NOT EXISTS"
        " (SELECT FROM allocation a WHERE a.booking_id = b.id)"
    ):
        yield Violation("a booking has its time", f"booking {row['id']} has none")
    for row in connection.execute(
        "SELECT a.booking_id AS one, b.booking_id AS other FROM allocation a JOIN allocation b"
        " ON a.calendar_no = b.calendar_no AND a.during && b.during AND a.id < b.id"
    ):
        yield Violation("nothing is booked twice", f"bookings {row['one']} and {row['other']}")


def _money(connection: "psycopg.Connection[Row]") -> Iterator[Violation]:
    for row in connection.execute(
        "SELECT o.id, o.body->>'payment_status' AS paid, p.state, p.amount, (o.body->>'amount_total')::bigint AS total,"
        " b.state AS booking FROM sandbox_object o LEFT JOIN payment p ON p.session_id = o.id"
        " LEFT JOIN booking b ON b.id = p.booking_id"
        " WHERE o.kind = 'stripe_checkout.session' AND o.body->>'payment_status' = 'paid'"
    ):
        kept = row["state"] == "paid" and row["booking"] in ("confirmed", "completed") and row["amount"] == row["total"]
        if not kept and row["state"] not in ("refunded", "refund_pending", "paid_late"):
            yield Violation("no payment is lost", f"paid at Stripe: {row['state']}, the booking is {row['booking']}")
    for row in connection.execute(
        "SELECT p.id FROM payment p LEFT JOIN sandbox_object o ON o.id = p.session_id WHERE p.state = 'paid'"
        " AND o.body->>'payment_status' IS DISTINCT FROM 'paid'"
    ):
        yield Violation("no payment is invented", f"payment {row['id']}")
    for row in connection.execute(
        "SELECT booking_id, count(*) AS n FROM payment WHERE state = 'paid' GROUP BY 1 HAVING count(*) > 1"
    ):
        yield Violation("nobody pays twice", f"booking {row['booking_id']}: {row['n']} times")


def log_of(connection: "psycopg.Connection[Row]", thread: Any) -> list[str]:
    """Return a thread as it went, without words and addresses."""
    rows = connection.execute(
        "SELECT seq, sender, act, status, error, attempts, created_at, status_at, length(text) AS long FROM message"
        " WHERE conversation_id = %s ORDER BY seq",
        [thread],
    )
    return [
        f"  {row['seq']:>3} {row['sender']:8} {row['act'] or '-':14} {row['status']:10} {row['error'] or '-':20}"
        f" {row['attempts']} attempts, {row['created_at']:%H:%M:%S.%f} to {row['status_at']:%H:%M:%S.%f},"
        f" {row['long']} letters"
        for row in rows
    ]
