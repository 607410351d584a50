"""How many SMS segments a text takes: GSM-7 where every character is in it, else UCS-2 (3GPP TS 23.038)."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These need an escape and count twice.
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
#: What word processors make of plain signs, and the plain signs.
PLAIN_SIGNS = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
        "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{MIDDLE DOT}": "-",
        "\N{BULLET}": "-",
    }
)


#: Signs of two letters.
_LIGATURES = {"œ": "oe", "Œ": "OE"}
#: A text of so many segments keeps its accents.
_SHORT = 2


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


def gsm_friendly(text: str) -> str:
    """Return the text with typographers' signs made plain, where that alone keeps it out of UCS-2.

    What is long in UCS-2 all the same loses the accents that GSM-7 lacks, as banks and railways write it: half the
    segments, and each phone shows it. A text with any other character that GSM-7 lacks stays as it was written.
    """
    plain = text.translate(PLAIN_SIGNS)
    size = sms_size(plain)
    if size.encoding is Encoding.GSM_7:
        return plain
    if size.segments <= _SHORT:
        return text
    bare = "".join(map(without_accent, plain))
    return bare if sms_size(bare).encoding is Encoding.GSM_7 else text


def without_accent(character: str) -> str:
    """Return a character as GSM-7 has it; one that it knows stays."""
    if character in GSM_BASIC or character in GSM_EXTENDED:
        return character
    return _LIGATURES.get(character) or unicodedata.normalize("NFD", character)[0]


def _segments(widths: list[int], *, single: int, each: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, filled = 1, 0
    for width in widths:
        if filled + width > each:
            segments, filled = segments + 1, 0
        filled += width
    return segments
