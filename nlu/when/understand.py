"""The one call: what does this text say about time?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nlu.when.grammar import load_language
from nlu.when.instants import Reading, Scene, readings_of
from nlu.when.lexicon import languages
from nlu.when.meaning import names_a_day
from nlu.when.model import When, Window
from nlu.when.tokens import Token
from nlu.when.wishes import find_wishes
from nlu.when.written import find_written

_MOST_WINDOWS = 12


def understand_when(
    text: str,
    *,
    locale: str,
    now: datetime,
    tz: str,
    hours: Mapping[int, Sequence[tuple[int, int]]] | None = None,
    reference: tuple[datetime, datetime] | None = None,
    latent: bool = False,
    names: Collection[str] = (),
) -> When:
    """Read the times in a text as ranked windows of local wall time; it never raises on any text.

    `names` are words (folded) of names that are known here: none of them is a misspelt time.
    """
    zone = _zone(tz)
    local = now.astimezone(zone).replace(tzinfo=None) if now.tzinfo else now
    language = load_language(locale)
    scene = Scene(
        local.replace(microsecond=0),
        language.parts,
        language.literal_hours,
        hours or None,
        _local_pair(reference, zone),
    )
    tokens, offsets = language.read(text, latent=latent, names=names, today=local.weekday())
    wishes = find_wishes(tokens, latent=latent)
    groups: list[list[Window]] = []
    choices: list[Window] = []
    exclusions: list[Window] = []
    replaced: list[Window] = []
    ambiguity: str | None = None
    for wish in wishes:
        readings = readings_of(wish.meaning, scene)
        dated = names_a_day(wish.meaning)
        found = [
            replace(_window(reading, wish.token, text, offsets, scene.now, zone), dated=dated) for reading in readings
        ]
        if wish.excluded:
            exclusions += found[:1]
            continue
        if wish.replaced:
            replaced += found
            continue
        groups.append(found)
        choices += [window for window, reading in zip(found, readings, strict=True) if reading.each] or found[:1]
        if found and ambiguity is None:
            ambiguity = _ambiguity(readings, sure=language.lexicon.order_is_sure)
    # A time that is over is seldom the wish when another is named; the readings of one expression keep their order.
    groups.sort(key=lambda found: bool(found) and found[0].past)
    windows = [window for found in groups for window in found] + replaced
    asap = any("asap" in token.values for token in tokens)
    if asap and not windows:
        token = next(token for token in tokens if "asap" in token.values)
        windows = choices = [_window(Reading(scene.now, None, "minute"), token, text, offsets, scene.now, zone)]
    tag = locale.replace("_", "-").split("-")[0].lower()
    if tag not in languages() or not (wishes or asap):
        written = find_written(text, language=tag, known=tag in languages(), now=scene.now)
        if written:
            windows = choices = [written]
    return When(
        tuple(windows[:_MOST_WINDOWS]),
        tuple(choices[:_MOST_WINDOWS]),
        tuple(exclusions[:_MOST_WINDOWS]),
        ambiguity,
        asap,
    )


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _local_pair(pair: tuple[datetime, datetime] | None, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    if pair is None:
        return None
    start, end = (moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment for moment in pair)
    return start, end


def _window(
    reading: Reading, token: Token, text: str, offsets: list[int] | None, now: datetime, zone: ZoneInfo
) -> Window:
    start, end = (token.start, token.end) if offsets is None else (offsets[token.start], offsets[token.end])
    span = (start, end)
    gap, fold = _clock_change(reading, zone)
    return Window(
        reading.start,
        reading.end,
        reading.grain,
        text[start:end],
        span,
        reading.approx,
        _is_past(reading, now),
        gap,
        fold,
        reading.relative,
    )


def _is_past(reading: Reading, now: datetime) -> bool:
    if (
        reading.start is not None
        and reading.grain in ("hour", "minute")
        and reading.end is not None
        and reading.end - reading.start <= timedelta(hours=1)
    ):
        return reading.start < now.replace(second=0)
    return reading.end is not None and reading.end <= now


def _clock_change(reading: Reading, zone: ZoneInfo) -> tuple[bool, bool]:
    """Tell whether a wall-clock start does not exist or happens twice on its day."""
    if reading.start is None or reading.grain not in ("hour", "minute"):
        return False, False
    first, second = reading.start.replace(tzinfo=zone, fold=0), reading.start.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before is None or after is None or before == after:
        return False, False
    return (True, False) if before < after else (False, True)


def _ambiguity(readings: Sequence[Reading], *, sure: bool) -> str | None:
    if not readings:
        return None
    asks = readings[0].asks
    return None if asks == "date_order" and sure else asks
