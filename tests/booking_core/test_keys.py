"""A command under a key: once, whoever repeats it; a refused one is not remembered as done."""

from datetime import UTC

import pytest

from booking_core import booking
from booking_core.records import find_audit
from booking_core.refusals import BookingRefused, Reason
from tests.booking_core.shop import NOW, Shop, at


async def test_a_refused_move_can_be_tried_again_under_its_key(shop: Shop) -> None:
    one = await shop.hold("09:00")
    in_the_way = await shop.hold("10:00")
    with pytest.raises(BookingRefused) as caught:
        await shop.move(one, "10:00", key="move")
    assert caught.value.reason == Reason.HELD
    await booking.release(shop.session, shop.business_id, in_the_way.id, now=NOW, actor="customer")
    moved = await shop.move(one, "10:00", key="move")
    assert (moved.starts, moved.version) == (at("10:00"), 2)
    assert (await shop.move(one, "10:00", key="move")).version == 2


async def test_the_same_moment_on_another_clock_is_the_same_command(shop: Shop) -> None:
    one = await shop.hold("09:00")
    await shop.move(one, at("10:00"), key="move")
    assert (await shop.move(one, at("10:00").astimezone(UTC), key="move")).version == 2
    with pytest.raises(BookingRefused) as caught:
        await shop.move(one, at("11:00"), key="move")
    assert caught.value.reason == Reason.KEY_REUSED


async def test_what_a_move_frees_is_what_it_does_not_take_again(shop: Shop) -> None:
    one = await shop.hold("10:00")
    moved = await shop.move(one, "10:30")
    record = await find_audit(shop.session, moved, "reschedule")
    assert record is not None
    assert [(freed["starts"], freed["ends"]) for freed in record.data["freed"]] == [
        (at("10:00").astimezone(UTC).isoformat(), at("10:30").astimezone(UTC).isoformat())
    ]


async def test_a_hold_that_gave_way_says_what_it_gave_back(shop: Shop) -> None:
    customer = await shop.customer()
    one = await shop.hold("10:00", customer=customer)
    other = await shop.hold("10:00", service="colour", customer=customer)
    record = await find_audit(shop.session, one, "cancel_by_customer")
    assert record is not None
    assert record.data["instead"] == str(other.id)
    assert [freed["staff"] for freed in record.data["freed"]] == [str(shop.staff["Ana"])]
