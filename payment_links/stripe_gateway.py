"""Stripe Checkout by the official client, asynchronous all the way."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import stripe

from payment_links.access import StripeAccess
from payment_links.gateway import GatewayError, LinkOpened, LinkWanted, RefundMade, RefundStatus, RefundWanted
from payment_links.stripe_amounts import stripe_amount

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

_TIMEOUT: Final = 20.0
#: The client's own quick retries, with the same idempotency key; longer waits are the job's.
_QUICK_RETRIES: Final = 2
_TITLE_LIMIT: Final = 250
#: The languages of Stripe's page, as its `locale` names them.
_REGIONAL_PAGES: Final = frozenset({"en-GB", "es-419", "fr-CA", "pt-BR", "zh-HK", "zh-TW"})
_LANGUAGES: Final = (
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt ro ru sk sl sv th tr vi zh"
)
_PAGES: Final = frozenset(_LANGUAGES.split())
_REFUND_STATUS: Final = {"succeeded": RefundStatus.DONE, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}


class StripeGateway:
    """A PaymentGateway that speaks to Stripe, or to whatever `api_url` names.

    Accounts may share their connections; who brings them closes them.
    """

    def __init__(self, access: StripeAccess, http: stripe.HTTPXClient | None = None) -> None:
        self._return_url = access.return_url
        self._mine = http is None
        self._http = http or connections()
        self._client = stripe.StripeClient(
            access.secret_key,
            base_addresses={"api": access.api_url} if access.api_url else {},
            max_network_retries=_QUICK_RETRIES,
            http_client=self._http,
        )

    async def close(self) -> None:
        """Close the connections, unless they are shared."""
        if self._mine:
            await self._http.close_async()  # type: ignore[no-untyped-call]

    async def open_link(self, wanted: LinkWanted) -> LinkOpened:
        """Create a Checkout Session; the key makes a second call return the first one's session."""
        try:
            made = await self._client.v1.checkout.sessions.create_async(
                checkout_request(wanted, self._return_url), {"idempotency_key": f"link:{wanted.key}"}
            )
        except stripe.StripeError as error:
            raise _refused(error) from error
        if not made.url:
            raise GatewayError("no_url", retryable=False)
        return LinkOpened(made.id, made.url)

    async def close_link(self, session_id: str) -> Mapping[str, Any] | None:
        """Expire the session; if Stripe no longer can, look whether that is because it was paid."""
        try:
            await self._client.v1.checkout.sessions.expire_async(session_id)
        except stripe.InvalidRequestError:
            return await self._paid_session(session_id)
        except stripe.StripeError as error:
            raise _refused(error) from error
        return None

    async def _paid_session(self, session_id: str) -> Mapping[str, Any] | None:
        try:
            seen = await self._client.v1.checkout.sessions.retrieve_async(session_id)
        except stripe.StripeError as error:
            raise _refused(error) from error
        return seen.to_dict(for_json=True) if seen.payment_status == "paid" else None

    async def refund(self, wanted: RefundWanted) -> RefundMade:
        """Refund the PaymentIntent; money that somebody already gave back counts as done."""
        try:
            made = await self._client.v1.refunds.create_async(
                refund_request(wanted), {"idempotency_key": f"refund:{wanted.key}"}
            )
        except stripe.StripeError as error:
            if error.code == "charge_already_refunded":
                return RefundMade(None, RefundStatus.DONE)
            raise _refused(error) from error
        return RefundMade(made.id, refund_status(made.status))


def connections() -> stripe.HTTPXClient:
    """Return a client of HTTP as the gateway uses it."""
    return stripe.HTTPXClient(timeout=_TIMEOUT)


def checkout_request(wanted: LinkWanted, return_url: str) -> "SessionCreateParams":
    """Return the request for a Checkout Session.

    Cards (and the wallets on top of them) only: they tell at once whether money came, and a hold lasts
    minutes. The metadata goes on the PaymentIntent too, because refunds are told by charge, not by session.
    """
    words = urlencode({"locale": wanted.locale})
    metadata = dict(wanted.metadata)
    title = wanted.title[:_TITLE_LIMIT]
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "client_reference_id": wanted.reference,
        "locale": page_locale(wanted.locale),
        "expires_at": int(wanted.expires_at.timestamp()),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": wanted.currency.lower(),
                    "unit_amount": stripe_amount(wanted.amount, wanted.currency),
                    "product_data": {"name": title},
                },
            }
        ],
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": title},
        "success_url": f"{return_url}/pay/thanks?{words}",
        "cancel_url": f"{return_url}/pay/back?{words}",
    }


def refund_request(wanted: RefundWanted) -> "RefundCreateParams":
    """Return the request for a refund; without an amount Stripe gives back all that is left."""
    request: RefundCreateParams = {
        "payment_intent": wanted.intent_id,
        "reason": "requested_by_customer",
        "metadata": dict(wanted.metadata),
    }
    if wanted.amount is not None:
        request["amount"] = stripe_amount(wanted.amount, wanted.currency)
    return request


def page_locale(locale: str) -> Any:
    """Return the language of Stripe's page for a BCP 47 tag: the browser's own where Stripe has none."""
    tag = locale.replace("_", "-")
    language = tag.split("-", 1)[0].lower()
    if tag in _REGIONAL_PAGES:
        return tag
    return language if language in _PAGES else "auto"


def refund_status(status: str | None) -> RefundStatus:
    """Return what Stripe's status of a refund means to us."""
    return _REFUND_STATUS.get(status or "", RefundStatus.PENDING)


def _refused(error: stripe.StripeError) -> GatewayError:
    """Return the error as the jobs read it; only what may pass by itself is worth another try."""
    retryable = (
        isinstance(error, stripe.APIConnectionError | stripe.RateLimitError)
        or error.http_status == 409  # another request with this key is on its way
        or (error.http_status or 0) >= 500
    )
    return GatewayError(error.code or type(error).__name__, retryable=retryable)
