"""Processes that carry out commands: a parent imports everything once and forks one for each that is wanted.

A line on the parent's stdin makes a child; it connects to the Unix socket that the command line names and
speaks JSON by lines: a task comes, `ready` goes out when its connections are open, a line comes as the
starting shot, and the results go out.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from procrastinate.exceptions import ConnectorException
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from booking_core.kit.db import Database
from booking_core.refusals import BookingRefused
from tests.booking_core.house import NOW
from tests.booking_core.races.dice import Dice
from tests.booking_core.races.world import Command, Result, World, open_offers, targets

#: Of so many commands the last look for what could be done something with is old.
_LOOK_EVERY = 25


async def attempt(database: Database, world: World, command: Command) -> Result:
    """Carry out a command in a transaction of its own, as a customer's turn does.

    A turn that is refused goes on and commits, unless the command says that it `leaves`.
    """
    try:
        async with database.transaction() as session:
            try:
                return {"ok": await world.perform(session, command)}
            except BookingRefused as refused:
                if command.get("leaves"):
                    raise
                return {"refused": refused.reason.value}
    except BookingRefused as refused:
        return {"refused": refused.reason.value}
    except DBAPIError as error:
        return {"error": type(error.orig).__name__}
    except ConnectorException as error:  # a job could not be deferred
        return {"error": type(error.__cause__ or error).__name__}


class Talk:
    """Lines of JSON to and from the test."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file = self._socket.makefile("rw")
        self.say({"pid": os.getpid()})

    def say(self, what: Any) -> None:
        self._file.write(json.dumps(what) + "\n")
        self._file.flush()

    def hear(self) -> Any:
        line = self._file.readline()
        return json.loads(line) if line else None


async def work(talk: Talk) -> None:
    """Do one task after the other until the test hangs up."""
    while task := await asyncio.to_thread(talk.hear):
        database = Database(task["url"], pool_size=task.get("connections", 4))
        world = World.received(task["world"])
        try:
            await TASKS[task["task"]](talk, database, world, task)
        finally:
            await database.close()


async def starting_shot(talk: Talk, database: Database, connections: int) -> None:
    """Open so many connections, say that they are there and wait until everybody's are."""
    sessions = [database.engine.connect() for _ in range(connections)]
    opened = [await one.__aenter__() for one in sessions]
    for one in opened:
        await one.execute(text("SELECT 1"))
        await one.close()
    talk.say("ready")
    await asyncio.to_thread(talk.hear)


async def lanes(talk: Talk, database: Database, world: World, task: Any) -> None:
    """Carry out lanes of commands, each on its own connection, one command after the other."""

    async def lane(commands: list[Command]) -> list[Result]:
        return [await attempt(database, world, command) for command in commands]

    await starting_shot(talk, database, len(task["lanes"]))
    talk.say(await asyncio.gather(*(lane(commands) for commands in task["lanes"])))


async def storm(talk: Talk, database: Database, world: World, task: Any) -> None:
    """Draw and carry out commands on some connections; answer with how many came to what."""
    counts: Counter[str] = Counter()

    async def lane(number: int) -> None:
        dice = Dice(f"{task['name']}.{number}", task["seed"] * 100 + number)
        for n in range(task["attempts"]):
            now = NOW + timedelta(minutes=task["minutes"] * n // task["attempts"])
            if n % _LOOK_EVERY == 0:
                async with database.transaction() as session:
                    dice.bookings = await targets(session, world.business_id)
                    dice.offers = await open_offers(session, world.business_id)
            command = dice.draw(now) | {"leaves": dice.dice.random() < 0.3}
            result = await attempt(database, world, command)
            what, more = next(iter(result.items()))
            counts[f"{command['do']} {what if what == 'ok' else more}"] += 1
            if what == "ok" and "time_off" in more:
                dice.absences.append(more["time_off"])

    await starting_shot(talk, database, task["connections"])
    await asyncio.gather(*(lane(number) for number in range(task["connections"])))
    talk.say(counts)


async def script(talk: Talk, database: Database, world: World, task: Any) -> None:
    """Carry out commands one by one, telling each result; `dies_at`: kill this process at that moment of them."""
    moments = Moments(task.get("dies_at"))
    await starting_shot(talk, database, 1)
    moments.watch(database)
    for command in task["commands"]:
        result = await attempt(database, world, command)
        moments.pass_one()
        talk.say(result)
    talk.say({"end": True, "moments": moments.passed})


async def stream(talk: Talk, database: Database, world: World, task: Any) -> None:
    """Draw and carry out commands one by one, telling each with its result, until the server is gone."""
    await starting_shot(talk, database, 1)
    dice = Dice(task["name"], task["seed"])
    result: Result = {}
    n = 0
    while result.get("error") in {None, "DeadlockDetected"}:
        n += 1
        command = dice.draw(NOW + timedelta(minutes=task["minute"] + n // 10))
        result = await attempt(database, world, command)
        if "booking" in result.get("ok", {}):
            dice.bookings = [result["ok"]["booking"], *dice.bookings][:60]
        talk.say([command, result])


class Moments:
    """Where a process can be killed: before and after each statement, before a commit, before the answer is told."""

    def __init__(self, dies_at: int | None) -> None:
        self.passed, self._dies_at = 0, dies_at

    def watch(self, database: Database) -> None:
        for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(database.engine.sync_engine, moment, self.pass_one)

    def pass_one(self, *_: Any) -> None:
        self.passed += 1
        if self.passed == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


TASKS = {"lanes": lanes, "storm": storm, "script": script, "stream": stream}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            asyncio.run(work(Talk(sys.argv[1])))
            os._exit(0)


if __name__ == "__main__":
    main()
