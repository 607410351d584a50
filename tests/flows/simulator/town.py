"""Many talks at the same time, against one web server and one worker."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import httpx

from nlu.engine import Engine
from tests.flows.simulator.persons import PERSONS
from tests.flows.simulator.shops import open_shops
from tests.flows.simulator.talks import Talk, hold_talk
from tests.flows.simulator.wordings import Wordings
from tests.flows.world import running

#: When customers come: a Tuesday morning, a Friday evening, a Sunday before noon.
MOMENTS = ("2027-03-02T10:00", "2027-04-16T18:40", "2027-06-27T11:15")


@dataclass(frozen=True)
class Crowd:
    """Who comes: the same seed brings the same people with the same wishes."""

    dialogues: int
    languages: Sequence[str] = ("en",)
    persons: Sequence[str] = tuple(PERSONS)
    bank: Path | None = None
    seed: int = 1
    at_once: int = 24
    only: int | None = None

    def numbers(self, moment: int) -> list[int]:
        """Return the talks that are held at a moment."""
        every = [self.only] if self.only is not None else range(self.dialogues)
        return [number for number in every if number % len(MOMENTS) == moment]


async def hold_talks(
    crowd: Crowd, engine: Engine, new_database: Callable[[], str], redis_url: str, told: Callable[[Talk], None]
) -> list[Talk]:
    """Play everybody; each moment has a system of its own."""
    talks: list[Talk] = []
    words = {language: Wordings(language, crowd.bank) for language in crowd.languages}
    for moment, now in enumerate(MOMENTS):
        numbers = crowd.numbers(moment)
        if numbers:
            talks += await _at(crowd, engine, new_database(), redis_url, now, numbers, words, told)
    return talks


async def _at(
    crowd: Crowd, engine: Engine, database_url: str, redis_url: str, now: str, numbers: list[int],
    words: dict[str, Wordings], told: Callable[[Talk], None],
) -> list[Talk]:  # fmt: skip
    local = datetime.fromisoformat(now)
    gate = asyncio.Semaphore(crowd.at_once)
    count = min(crowd.at_once, len(numbers))
    async with (
        running(engine, database_url, redis_url, now=now) as world,
        open_shops(world, count, Random(crowd.seed), local.date(), taken=6) as shops,
        httpx.AsyncClient(base_url=world.settings.base_url, timeout=60, limits=httpx.Limits()) as http,
    ):

        async def one(place: int, number: int) -> Talk:
            language = crowd.languages[number // len(crowd.persons) % len(crowd.languages)]
            person = PERSONS[crowd.persons[number % len(crowd.persons)]]
            async with gate:
                talk = await hold_talk(
                    world, http, shops[place % count], number, words[language], person, local,
                    f"{crowd.seed}:{language}:{number}",
                )  # fmt: skip
            told(talk)
            return talk

        return list(await asyncio.gather(*(one(place, number) for place, number in enumerate(numbers))))
