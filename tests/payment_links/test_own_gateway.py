"""A business that gets a Stripe account of its own while some of its money lies in the system's."""

from datetime import timedelta

import pytest

from payment_links.gateway import GatewayError, LinkWanted, RefundWanted
from payment_links.own_gateway import OwnFirst
from tests.payment_links.builders import NOW, PaperGateway

LINK = LinkWanted("k", "ABCD", "Haircut", 1000, "EUR", "en", NOW + timedelta(hours=1), {})
REFUND = RefundWanted("k", "pi_1", None, "EUR", {})


def missing() -> GatewayError:
    return GatewayError("resource_missing", retryable=False)


async def test_a_page_is_made_in_ones_own_account_and_nowhere_else() -> None:
    own, before = PaperGateway(), PaperGateway()
    await OwnFirst(own, before).open_link(LINK)
    assert (list(own.links), list(before.links)) == (["k"], [])
    own.trouble.append(missing())
    with pytest.raises(GatewayError):
        await OwnFirst(own, before).open_link(LINK)
    assert before.links == {}


async def test_money_goes_back_from_where_it_came_to() -> None:
    own, before = PaperGateway(), PaperGateway()
    await OwnFirst(own, before).refund(REFUND)
    assert (list(own.refunds), list(before.refunds)) == (["k"], [])
    own, before = PaperGateway(), PaperGateway()
    own.trouble += [missing(), missing()]
    both = OwnFirst(own, before)
    await both.refund(REFUND)
    await both.close_link("cs_1")
    assert (own.refunds, list(before.refunds), before.closed) == ({}, ["k"], ["cs_1"])


@pytest.mark.parametrize("error", [GatewayError("api_error", retryable=True), GatewayError("x", retryable=False)])
async def test_what_is_refused_otherwise_is_not_tried_elsewhere(error: GatewayError) -> None:
    own, before = PaperGateway(), PaperGateway()
    own.trouble += [error, error]
    both = OwnFirst(own, before)
    with pytest.raises(GatewayError):
        await both.refund(REFUND)
    with pytest.raises(GatewayError):
        await both.close_link("cs_1")
    assert (before.refunds, before.closed) == ({}, [])
