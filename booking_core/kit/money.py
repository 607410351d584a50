"""Money: integer minor units and an ISO 4217 currency. Babel words it, only at the edge."""

from dataclasses import dataclass

#: ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def exponent(currency: str) -> int:
    """Return how many decimals the currency's minor unit stands for."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency; amounts of two currencies never mix."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError("currency must be an ISO 4217 code in capitals")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError("amounts of two currencies do not add up")
        return Money(self.amount + other.amount, self.currency)

    def share(self, percent: int) -> "Money":
        """Return `percent` of the amount, rounded down to a whole minor unit."""
        return Money(self.amount * percent // 100, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0
