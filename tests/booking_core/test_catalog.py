"""What there is, and who books."""

import pytest

from booking_core import catalog, customers
from booking_core.kit.ids import new_id
from booking_core.models import Staff
from booking_core.refusals import BookingRefused
from tests.booking_core.shop import NOW, Shop


async def test_what_is_on_offer(shop: Shop) -> None:
    known = await shop.catalog()
    assert {one.name for one in known.services} == {"cut", "trim", "colour"}
    assert [known.staff_member(one).name for one in known.staff_for(shop.services["cut"])] == ["Ana", "Bruno"]
    assert known.opening() == {weekday: [(540, 780)] for weekday in range(7)}
    assert known.price(shop.services["cut"]) == known.price(shop.services["cut"], shop.staff["Ana"]) == 2800
    assert known.timezone(shop.staff["Ana"]) == known.location(shop.location_id).timezone
    for find in (known.service, known.staff_member, known.location):
        with pytest.raises(KeyError):
            find(new_id())


async def test_who_left_is_still_known_but_does_nothing(shop: Shop) -> None:
    ana = await shop.session.get(Staff, (shop.business_id, shop.staff["Ana"]))
    ana.active = False
    known = await shop.catalog()
    assert [one.name for one in known.staff] == ["Bruno"]
    assert known.staff_member(ana.id).name == "Ana"
    assert list(known.staff_for(shop.services["cut"])) == [shop.staff["Bruno"]]


async def test_unknown_is_refused(shop: Shop) -> None:
    with pytest.raises(BookingRefused, match="unknown"):
        await catalog.load_business(shop.session, new_id())
    with pytest.raises(BookingRefused, match="unknown"):
        await customers.load_or_create(shop.session, shop.business_id, new_id(), name=None, locale=None, now=NOW)


async def test_a_customer_is_remembered(shop: Shop) -> None:
    made = await customers.load_or_create(shop.session, shop.business_id, None, name=None, locale="es", now=NOW)
    same = await customers.load_or_create(shop.session, shop.business_id, made.id, name="Eva", locale=None, now=NOW)
    assert same is made
    assert (made.name, made.locale) == ("Eva", "es")
    await customers.load_or_create(shop.session, shop.business_id, made.id, name=None, locale="en", now=NOW)
    assert (made.name, made.locale) == ("Eva", "en")
