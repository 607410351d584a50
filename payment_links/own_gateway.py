"""A business that has a Stripe account of its own, and had none when some of its money came."""

from collections.abc import Mapping
from typing import Any, Final

from payment_links.gateway import GatewayError, LinkOpened, LinkWanted, PaymentGateway, RefundMade, RefundWanted

#: Stripe's code for an id that this account does not have.
_NOT_HERE: Final = "resource_missing"


class OwnFirst:
    """A PaymentGateway: pages are made in the business's own account; what is not there is looked for in the system's.

    A page or a payment is in one account only, so that nothing is given back twice. Closing it is its parts' owner's.
    """

    def __init__(self, own: PaymentGateway, before: PaymentGateway) -> None:
        self._own = own
        self._before = before

    async def open_link(self, wanted: LinkWanted) -> LinkOpened:
        """Make the page in the business's own account."""
        return await self._own.open_link(wanted)

    async def close_link(self, session_id: str) -> Mapping[str, Any] | None:
        """Make a page unpayable, where it is."""
        try:
            return await self._own.close_link(session_id)
        except GatewayError as error:
            if error.code != _NOT_HERE:
                raise
        return await self._before.close_link(session_id)

    async def refund(self, wanted: RefundWanted) -> RefundMade:
        """Give money back from where it came to."""
        try:
            return await self._own.refund(wanted)
        except GatewayError as error:
            if error.code != _NOT_HERE:
                raise
        return await self._before.refund(wanted)

    async def close(self) -> None:
        """Leave the connections open: they are others'."""
