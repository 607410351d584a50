"""Builders: what is heard, by a business that sells a few things."""

from datetime import UTC, datetime

from nlu.contract import Catalog, Heard, Name, Tap

NOW = datetime(2027, 3, 2, 9, 0, tzinfo=UTC)  # a Tuesday
CATALOG = Catalog(
    services=(
        Name("haircut", ("Haircut", "Corte de pelo", "corte")),
        Name("beard", ("Beard trim", "Arreglo de barba", "barba")),
        Name("cut-colour", ("Cut & colour", "Corte y color")),
        Name("colour", ("Colour", "Color", "tinte")),
        Name("makeover", ("Makeover", "cambiar de look")),
    ),
    staff=(Name("ana", ("Ana",)), Name("bruno", ("Bruno",)), Name("carla", ("Carla",)), Name("will", ("Will",))),
)


def heard(text: str, *, asked: str | None = None, locale: str = "en", tap: Tap | None = None) -> Heard:
    return Heard(text=text, now=NOW, tz="Europe/Madrid", locale=locale, asked=asked, catalog=CATALOG, tap=tap)
