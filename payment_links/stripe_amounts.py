"""Amounts as Stripe counts them: two currencies differ from ISO 4217 (docs.stripe.com/currencies)."""

#: No decimals in ISO 4217, yet Stripe wants hundredths, the last two digits always 00.
_HUNDREDTHS_AT_STRIPE = frozenset({"ISK", "UGX"})


def stripe_amount(amount: int, currency: str) -> int:
    """Return our minor units as Stripe's."""
    return amount * 100 if currency in _HUNDREDTHS_AT_STRIPE else amount


def our_amount(amount: int, currency: str) -> int:
    """Return Stripe's minor units as ours."""
    return amount // 100 if currency in _HUNDREDTHS_AT_STRIPE else amount
