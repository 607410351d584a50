"""How many SMS segments a text takes: GSM-7 where every character is in it, else UCS-2 (3GPP TS 23.038)."""

from dataclasses import dataclass
from enum import StrEnum

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These need an escape and count twice.
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """The two alphabets of SMS."""

    GSM_7 = "gsm-7"
    UCS_2 = "ucs-2"


@dataclass(frozen=True, slots=True)
class Size:
    """What a text costs as SMS: units are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Encoding
    units: int
    segments: int


def sms_size(text: str) -> Size:
    """Return the encoding, the units and the number of segments of a text; no unit pair is torn apart."""
    if all(character in GSM_BASIC or character in GSM_EXTENDED for character in text):
        widths = [2 if character in GSM_EXTENDED else 1 for character in text]
        return Size(Encoding.GSM_7, sum(widths), _segments(widths, single=160, each=153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Size(Encoding.UCS_2, sum(widths), _segments(widths, single=70, each=67))


def _segments(widths: list[int], *, single: int, each: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, filled = 1, 0
    for width in widths:
        if filled + width > each:
            segments, filled = segments + 1, 0
        filled += width
    return segments
