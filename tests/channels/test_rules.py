"""The pure rules: statuses, segments, parts, backoff, keys."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.backoff import FIRST, LONGEST, delay_for
from channels.keys import make_key, read_key
from channels.models import Delivery
from channels.parts import numbered, parts_for, split_text
from channels.segments import Encoding, gsm_friendly, sms_size
from channels.status import RANK, after_report, after_reports

deliveries = st.sampled_from(list(Delivery))


@given(deliveries, deliveries)
def test_a_status_never_moves_back(current: Delivery, reported: Delivery) -> None:
    after = after_report(current, reported)
    assert after in (current, reported)
    assert RANK.get(after, -1) >= RANK.get(current, -1)
    assert after_report(after, reported) is after


@given(deliveries, st.lists(deliveries))
def test_only_what_was_reported_becomes_the_status(current: Delivery, reported: list[Delivery]) -> None:
    assert after_reports(current, reported) in [current, *reported]


def test_the_usual_reports_end_the_same_in_every_order() -> None:
    usual = [Delivery.SENT, Delivery.DELIVERED, Delivery.READ]
    assert {after_reports(Delivery.SENDING, order) for order in permutations(usual)} == {Delivery.READ}


@pytest.mark.parametrize("incoming", [Delivery.RECEIVED, Delivery.ANSWERED])
def test_a_customers_message_has_no_delivery(incoming: Delivery) -> None:
    assert after_report(incoming, Delivery.DELIVERED) is incoming
    assert after_report(Delivery.SENT, incoming) is Delivery.SENT


# The numbers are of 3GPP TS 23.038 and https://www.twilio.com/docs/glossary/what-sms-character-limit
@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", Encoding.GSM_7, 0, 1),
        ("a" * 160, Encoding.GSM_7, 160, 1),
        ("a" * 161, Encoding.GSM_7, 161, 2),
        ("a" * 306, Encoding.GSM_7, 306, 2),
        ("a" * 307, Encoding.GSM_7, 307, 3),
        ("€" * 80, Encoding.GSM_7, 160, 1),
        ("^{}\\[]~|€", Encoding.GSM_7, 18, 1),
        ("ñ" * 160, Encoding.GSM_7, 160, 1),
        ("¡Hola! ¿Qué tal?", Encoding.GSM_7, 16, 1),
        ("á", Encoding.UCS_2, 1, 1),  # of the accents only à is in GSM-7
        ("it’s", Encoding.UCS_2, 4, 1),
        ("’" + "a" * 69, Encoding.UCS_2, 70, 1),
        ("’" + "a" * 70, Encoding.UCS_2, 71, 2),
        ("’" + "a" * 133, Encoding.UCS_2, 134, 2),
        ("’" + "a" * 134, Encoding.UCS_2, 135, 3),
        ("😀", Encoding.UCS_2, 2, 1),
        ("😀" * 35, Encoding.UCS_2, 70, 1),
        # 67 is odd: the pair at the seam moves to the next segment.
        ("😀" * 67, Encoding.UCS_2, 134, 3),
        # The escape is not torn from its character: 152 + € fills more than the first segment.
        ("a" * 152 + "€" + "a" * 151 + "b", Encoding.GSM_7, 306, 3),
    ],
)
def test_segments(text: str, encoding: Encoding, units: int, segments: int) -> None:
    size = sms_size(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@given(st.text())
def test_segments_hold_what_they_count(text: str) -> None:
    size = sms_size(text)
    room = (160, 153) if size.encoding is Encoding.GSM_7 else (70, 67)
    assert size.segments >= 1
    assert size.units <= (room[0] if size.segments == 1 else room[1] * size.segments)
    if size.encoding is Encoding.UCS_2:
        assert size.units == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(st.text(), st.integers(8, 200))
def test_parts_are_short_enough_and_lose_no_word(text: str, longest: int) -> None:
    parts = split_text(text, longest)
    assert all(len(part) <= longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_long_text_is_cut_between_sentences() -> None:
    text = "One sentence here. " * 10
    parts = split_text(text, 60)
    assert all(part.endswith("here.") for part in parts)


@pytest.mark.parametrize(("channel", "room"), [("sms", 1600), ("whatsapp", 1600), ("telegram", 4096)])
def test_every_part_fits_its_channel_with_its_choices(channel: str, room: int) -> None:
    labels = ["Wed 25 Nov · 14:30"] * 9
    parts = parts_for(channel, "Please bring your card. " * 400, labels)
    assert len(parts) > 1
    assert all(len(part) <= room for part in parts)
    assert len(numbered(parts[-1], labels)) <= room
    assert parts_for(channel, "short", labels) == ["short"]


def test_choices_become_numbered_lines() -> None:
    assert numbered("Which?", ["Ana", "Bruno"]) == "Which?\n1 Ana\n2 Bruno"
    assert numbered("Hello", []) == "Hello"


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_backoff_grows_to_its_end(attempts: int, chance: float) -> None:
    delay = delay_for(attempts, chance=chance)
    assert FIRST / 2 <= delay <= LONGEST
    assert delay_for(attempts, asked=timedelta(hours=1), chance=chance) == timedelta(hours=1)
    assert delay_for(attempts + 1, chance=chance) >= delay


@given(st.uuids(), st.uuids())
def test_a_key_names_its_message(business: UUID, message: UUID) -> None:
    assert read_key(make_key(business, message)) == (business, message)


@given(st.text())
def test_anything_else_is_no_key(text: str) -> None:
    found = read_key(text)
    assert found is None or all(isinstance(part, UUID) for part in found)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "I\N{RIGHT SINGLE QUOTATION MARK}ll come \N{EN DASH} yes\N{HORIZONTAL ELLIPSIS}",
            "I'll come - yes...",
        ),
        ("Tue 24 Nov \N{MIDDLE DOT} 14:30", "Tue 24 Nov - 14:30"),
        ("3:00\N{NARROW NO-BREAK SPACE}PM", "3:00 PM"),
        # Nothing is gained: the text stays as it was written.
        ("¿Vendrá? \N{EN DASH} sí", "¿Vendrá? \N{EN DASH} sí"),
        ("see you \N{EN DASH} \N{WAVING HAND SIGN}", "see you \N{EN DASH} \N{WAVING HAND SIGN}"),
        # Accents go where they would make a third segment; German has all of its own in GSM-7.
        ("Peluquería mañana, ¿sí? " * 6, "Peluqueria mañana, ¿si? " * 6),
        ("Marcação à noite, Œuvre: não, ação. " * 4, "Marcacao à noite, OEuvre: nao, acao. " * 4),
        ("Peluquería \N{WAVING HAND SIGN} " * 12, "Peluquería \N{WAVING HAND SIGN} " * 12),
    ],
)
def test_plain_signs_keep_a_text_in_gsm_7(text: str, plain: str) -> None:
    assert gsm_friendly(text) == plain
    assert sms_size(plain).segments <= sms_size(text).segments
