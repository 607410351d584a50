"""A few of the simulated customers; the whole crowd is played by `python -m tests.flows.simulator`."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from uuid import uuid4

import psycopg
import pytest
import yaml

from nlu.engine import Engine
from tests.conftest import TEMPLATE
from tests.databases import named
from tests.flows.simulator.reading import moment_of
from tests.flows.simulator.town import Crowd, hold_talks
from tests.flows.simulator.wishes import Clock, Wish
from tests.flows.simulator.wordings import OWN, Wordings, is_trained, training_sentences

LANGUAGES = sorted(path.stem for path in OWN.glob("*.yml"))


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    names: list[str] = []

    def make() -> str:
        names.append(f"simulated_{uuid4().hex[:8]}")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]} TEMPLATE {TEMPLATE}")
        return named(postgres_url, names[-1])

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_customers_get_what_they_came_for(
    engine: Engine, new_database: Callable[[], str], redis_url: str
) -> None:
    crowd = Crowd(25, languages=("en", "es"), at_once=8)
    talks = await hold_talks(crowd, engine, new_database, redis_url, lambda _: None)
    failed = [talk for talk in talks if not talk.succeeded]
    told = "\n".join(
        f"{talk.number} {talk.wrong} {talk.dead_end} {talk.complaints}\n{talk.transcript}" for talk in failed
    )
    assert not [talk for talk in talks if talk.wrong], told
    assert len(failed) <= len(talks) // 10, told


def test_every_language_says_everything() -> None:
    needs = {language: set(Wordings(language)._ours) for language in LANGUAGES}
    assert all(one == needs["en"] for one in needs.values()), needs


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_bot_knows_by_heart_is_not_said(language: str) -> None:
    trained = training_sentences(language)
    written = yaml.safe_load((OWN / f"{language}.yml").read_text())["wordings"]
    known = [text for texts in written.values() for text in texts if is_trained(text, trained)]
    said = {one.text for wordings in Wordings(language)._ours.values() for one in wordings}
    assert not said & set(known)
    assert all(Wordings(language)._ours.values())
    assert len(said) >= 150, f"too few sentences of its own: {len(said)}"


@pytest.mark.parametrize(
    ("language", "label"),
    [
        ("en", "Thu 4 Mar, 15:30"),
        ("en", "Thu, Mar 4, 3:30 PM"),
        ("es", "jue, 4 mar, 15:30"),
        ("fr", "jeu. 4 mars, 15:30"),
        ("de", "Do., 4. März, 15:30"),
        ("pt", "qui., 4 de mar., 15:30"),
    ],
)
def test_customers_read_times(language: str, label: str) -> None:
    assert moment_of(label, Wordings(language), date(2027, 3, 2)) == local("2027-03-04T15:30")


def test_what_is_no_time_is_not_read_as_one() -> None:
    words = Wordings("en")
    assert moment_of("More times", words, date(2027, 3, 2)) is None
    assert moment_of("Talk to a person", words, date(2027, 3, 2)) is None


def test_a_wish_knows_what_fits() -> None:
    day = date(2027, 3, 4)
    assert Wish("weekday", (day,), Clock("after", time(16))).fits(local("2027-03-04T16:00"))
    assert not Wish("weekday", (day,), Clock("before", time(11))).fits(local("2027-03-04T11:00"))
    assert not Wish("weekday", (day,)).fits(local("2027-03-05T11:00"))
    assert Wish("any").fits(local("2027-03-05T11:00"))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)
