"""Properties of the grammar: what Babel writes is read back, no text breaks it, languages do not lean on each other."""

# ruff: noqa: DTZ001 - wall-clock times have no zone of their own

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta
from functools import lru_cache

import pytest
from babel.dates import format_date, format_datetime, format_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlu.when import When, understand_when
from nlu.when.command import run
from nlu.when.lexicon import languages, load_lexicon

NOW = datetime(2027, 3, 10, 10, 20)
LOCALES = [
    "en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-ZA", "en-SG", "es-ES", "es-MX", "es-AR",
    "es-CO", "es-CL", "es-PE", "es-US", "es-UY", "fr-FR", "fr-BE", "fr-CA", "fr-CH", "fr-LU", "de-DE", "de-AT",
    "de-CH", "de-LI", "pt-BR", "pt-PT", "pt-AO", "it-IT", "it-CH", "nl-NL", "nl-BE", "sv-SE", "sv-FI", "pl-PL",
    "es-EC", "pt-MZ", "en-JM", "es-PR",
]  # fmt: skip

days = st.dates(min_value=date(2020, 1, 1), max_value=date(2060, 12, 31))
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2060, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)


def read(text: str, locale: str, **more: object) -> When:
    return understand_when(text, locale=locale, now=NOW, tz="Europe/Madrid", **more)  # type: ignore[arg-type]


def test_there_are_forty_locales_of_languages_with_a_file() -> None:
    assert len(LOCALES) == len(set(LOCALES)) == 40
    assert {locale.split("-")[0] for locale in LOCALES} == set(languages())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("style", ["short", "medium", "long", "full"])
@settings(max_examples=12, deadline=None)
@given(day=days)
def test_a_date_that_babel_writes_is_read_back(locale: str, style: str, day: date) -> None:
    written = format_date(day, format=style, locale=locale.replace("-", "_"))
    starts = [window.start for window in read(written, locale).windows]
    assert starts[:1] == [datetime(day.year, day.month, day.day)], written


# "3:30" says neither am nor pm: the 24-hour clock of Spain writes half past three at night so.
HALF_UNSAID = re.compile(r"[1-9]:\d\d")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("style", ["short", "long"])
@settings(max_examples=12, deadline=None)
@given(moment=moments)
def test_a_moment_that_babel_writes_is_read_back(locale: str, style: str, moment: datetime) -> None:
    babel = locale.replace("-", "_")
    day, clock = format_date(moment.date(), style, locale=babel), format_time(moment.time(), "short", locale=babel)
    for written in (f"{day}, {clock}", format_datetime(moment, "short", locale=babel)):
        starts = [window.start for window in read(written, locale).windows]
        if HALF_UNSAID.fullmatch(clock):
            assert set(starts[:2]) == {moment, moment + timedelta(hours=12)}, written
        else:
            assert starts[:1] == [moment], written


@settings(max_examples=40, deadline=None)
@given(moment=moments)
def test_a_moment_in_one_piece_is_read_back(moment: datetime) -> None:
    written = format_datetime(moment, "long", locale="en_US").rsplit(" ", 1)[0]
    assert read(written, "en-US").windows[0].start == moment


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), locale=st.sampled_from(LOCALES), latent=st.booleans())
def test_no_text_makes_it_raise(text: str, locale: str, latent: bool) -> None:
    when = read(text, locale, latent=latent)
    assert When.from_json(when.to_json()) == when


WORDS = re.findall(
    r"\S+",
    "tomorrow at 3 4 5 or and not except between from to until after before friday monday next this last week month "
    "half past quarter mañana a las de la tarde por el lunes martes que viene morgen um uhr halb nach vor demain à h "
    "le amanhã às da , . - / : ' ( ) 31 2 99 1030 00 25:00 14:30 31/02 mar may in first second day hours minutes ago "
    "later same time asap noon midnight weekend",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=st.lists(st.sampled_from(WORDS), max_size=14), locale=st.sampled_from(LOCALES), latent=st.booleans())
def test_no_heap_of_time_words_makes_it_raise(words: list[str], locale: str, latent: bool) -> None:
    booking = (datetime(2027, 3, 12, 15), datetime(2027, 3, 12, 15, 45))
    text = " ".join(words)
    when = read(text, locale, latent=latent, reference=booking, hours={0: [(540, 1140)], 2: [(540, 720), (840, 1140)]})
    for window in (*when.windows, *when.exclusions):
        assert 0 <= window.span[0] < window.span[1] <= len(text)
        assert window.text == text[window.span[0] : window.span[1]]
        assert window.start or window.end
        assert not (window.start and window.end) or window.start < window.end
    assert When.from_json(when.to_json()) == when


HOSTILE = [
    "2027 " * 400, "12 mart 2027 " * 160,
    "1 " * 1000, "1:1" * 600, "12:30 " * 330, "and " * 500, "or 3 " * 400, "friday " * 285, "from to " * 250,
    "9-" * 1000, "." * 2000, "(" * 2000, "not " * 500, "next " * 400, "1/1/1/" * 330, "tomorrow at 3 or 4 and " * 90,
    "ñ" * 2000, "\u0301" * 2000, "日" * 2000, "half past " * 200, "the the " * 250, "a las " * 330, "zwei" * 500,
    "0" * 2000, "3pm-" * 500, "mon, " * 400, "\u202e" * 2000, "9" * 2000, "between " * 250, "every day except " * 110,
    "in 3 weeks " * 180, "20.20." * 330, "a" * 2000, "🕒" * 2000, "\x00" * 2000, "١٢:٣٠ " * 300,
]  # fmt: skip


#: Seconds, on a slow machine: what grows faster than the text would take minutes.
LONGEST = 0.25


def least_time(text: str, locale: str) -> float:
    """Return the best of three, in time of the processor: other work on the machine does not count."""
    read("12.5.2027", locale)
    spent = []
    for _ in range(3):
        begin = time.thread_time()
        read(text, locale)
        spent.append(time.thread_time() - begin)
        if spent[-1] < LONGEST:
            break
    return min(spent)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES", "fr-FR", "de-DE", "pt-BR", "tr-TR"])
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_two_thousand_hostile_characters_take_no_time_that_anybody_notices(text: str, locale: str) -> None:
    assert least_time(text[:2000], locale) < LONGEST


@settings(max_examples=25, deadline=None)
@given(
    words=st.lists(st.sampled_from([*WORDS, "2027", "20.20.", "3/4"]), min_size=40, max_size=400),
    locale=st.sampled_from(LOCALES),
)
def test_two_thousand_characters_of_time_words_take_no_time_that_anybody_notices(words: list[str], locale: str) -> None:
    text = " ".join(words * 20)[:2000]
    assert least_time(text, locale) < LONGEST


ORDERED = [
    ("en-GB", "half five on friday"), ("de-DE", "Freitag halb fünf"),
    ("es-ES", "el viernes a las 4 y media"), ("fr-FR", "vendredi 16h30"), ("pt-BR", "sexta às 16h30"),
    ("it-IT", "venerdì alle 16:30"), ("nl-NL", "vrijdag half vijf"), ("sv-SE", "fredag halv fem"),
    ("pl-PL", "piątek o 16:30"), ("tr-TR", "12 Mart 2027"), ("de-AT", "mar"), ("es-MX", "mar"), ("fr-FR", "mar"),
    ("en-US", "in two weeks"), ("en-US", "03/04"), ("en-GB", "03/04"), ("pt-PT", "03/04"),
]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(len(ORDERED))))
def test_the_order_of_languages_does_not_matter(order: list[int]) -> None:
    load_lexicon.cache_clear()  # whoever comes first builds his words first
    answers = {number: read(ORDERED[number][1], ORDERED[number][0]) for number in order}
    assert answers == {number: read(text, locale) for number, (locale, text) in enumerate(ORDERED)}
    assert answers[0].windows[0].start == datetime(2027, 3, 12, 17, 30)
    assert {answers[number].windows[0].start for number in range(1, 9)} == {datetime(2027, 3, 12, 16, 30)}


@settings(max_examples=40, deadline=None)
@given(days_ahead=st.integers(0, 400), minutes=st.integers(0, 1439))
def test_what_lies_ahead_is_never_called_past(days_ahead: int, minutes: int) -> None:
    moment = datetime(2027, 3, 10) + timedelta(days=days_ahead, minutes=minutes)
    window = read(f"{moment:%Y-%m-%d %H:%M}", "en-GB").windows[0]
    assert window.past == (moment < NOW)


@settings(max_examples=40, deadline=None)
@given(line=st.text(max_size=100))
def test_a_line_that_is_no_question_gets_an_answer_that_says_so(line: str) -> None:
    for answer in run([line.replace("\n", " ")]):
        assert "error" in answer or "values" in answer


@lru_cache
def phrases(locale: str) -> list[str]:
    """Return everything the lexicon of a locale knows, as it would be typed."""
    found: list[str] = []
    waiting: list[tuple[dict[str, object], tuple[str, ...]]] = [(load_lexicon(locale).root, ())]
    while waiting:
        node, words = waiting.pop()
        for word, child in node.items():
            if not word:
                found.append(" ".join(words))
            elif isinstance(child, dict):
                waiting.append((child, (*words, word)))
    return sorted(found)


@pytest.mark.parametrize("language", languages())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_heap_of_the_lexicons_own_phrases_makes_a_window_that_cannot_be(language: str, data: st.DataObject) -> None:
    text = " ".join(data.draw(st.lists(st.sampled_from(phrases(language)), min_size=1, max_size=6)))
    when = read(text, language)
    for window in (*when.windows, *when.exclusions):
        assert window.start or window.end
        assert not (window.start and window.end) or window.start < window.end
        assert window.text == text[window.span[0] : window.span[1]] != ""
