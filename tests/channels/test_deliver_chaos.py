"""Everything goes wrong at once, at random: each message still goes out once, in its place."""

import asyncio
import random
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from booking_core.kit.db import Database, libpq_url
from channels import deliver as delivery
from channels.accounts import load_account
from channels.contract import OutgoingMessage, ProviderId, SendError
from channels.conversations import open_conversation
from channels.deliver import deliver
from tests.channels.builders import NOW, Wire, a_thread, allowed, load, queued


class Crash(Exception):
    """The worker died here, as far as this message is concerned."""


class Chaos(Wire):
    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice = dice

    async def send(self, message: OutgoingMessage) -> ProviderId:
        await asyncio.sleep(self.dice.random() * 0.004)
        match self.dice.randrange(8):
            case 0:
                raise SendError("busy", retryable=True)
            case 1:
                self._accept(message)
                raise SendError("not heard", retryable=True, unsure=True)
            case 2:
                raise SendError("not even asked", retryable=True, unsure=True)
            case 3:
                raise Crash
            case 4:
                self._accept(message)
                raise Crash
            case _:
                return self._accept(message)

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        if self.dice.randrange(4) == 0:
            raise SendError("away", retryable=True, unsure=True)
        return await super().find_sent(message)


class Queue:
    """The jobs that were deferred, all due at once; a job whose worker crashed comes back."""

    def __init__(self, url: str, dice: random.Random) -> None:
        self.connection = psycopg.connect(libpq_url(url), autocommit=True)
        self.dice = dice
        self.seen: set[int] = set()
        self.waiting: list[dict[str, Any]] = []
        self.running = 0

    def close(self) -> None:
        self.connection.close()

    def take(self) -> dict[str, Any] | None:
        rows = self.connection.execute(
            # Not "beyond the last one": a number is given before its row is committed.
            "SELECT id, args FROM procrastinate_jobs WHERE id <> ALL(%s) ORDER BY id",
            [list(self.seen)],
        ).fetchall()
        for number, args in rows:
            self.seen.add(number)
            # Some of the first jobs run twice (a job that waits defers itself: each one would double for ever).
            twice = number < 30 and self.dice.randrange(4) == 0
            self.waiting += [args] * (2 if twice else 1)
        return self.waiting.pop(self.dice.randrange(len(self.waiting))) if self.waiting else None

    async def work(self, database: Database, wire: Chaos) -> None:
        while (job := self.take()) is not None or self.running:
            if job is None:
                await asyncio.sleep(0.005)
                continue
            self.running += 1
            ids = UUID(job["business_id"]), UUID(job["message_id"])
            try:
                await deliver(database, {"sms": wire}, *ids, may_send=allowed)
            except Crash:
                self.waiting.append(job)
            finally:
                self.running -= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_each_message_goes_out_once_in_its_place(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(delivery, "MAX_ATTEMPTS", 10_000)
    # Nobody needs to wait where every job is due at once.
    monkeypatch.setattr(delivery, "PATIENCE", delivery.LOOK_EVERY)
    dice = random.Random(seed)
    wire = Chaos(dice)
    said: dict[str, list[str]] = {}
    ids: list[UUID] = []
    async with database.transaction() as session:
        first = await a_thread(session)
        account = await load_account(session, first.business_id, first.account_id)
        for address in ("+34600000001", "+34600000002", "+34600000003"):
            thread = await open_conversation(session, account, address, now=NOW)
            said[address] = [f"{number}" for number in range(5)]
            ids += await queued(session, thread, *said[address])
    queue = Queue(database_url, dice)
    with closing(queue):
        async with asyncio.timeout(50):
            await asyncio.gather(*(queue.work(database, wire) for _ in range(4)))

    heard: dict[str, list[str]] = {address: [] for address in said}
    for message in wire.accepted:
        heard[message.address].append(message.text)
    assert heard == said
    assert {(await load(database, first.business_id, one)).status for one in ids} == {"sent"}
