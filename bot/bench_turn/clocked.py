"""A worker with a clock, `python -m bot.bench_turn.clocked MODEL`: it takes turns as the real one does and times them.

It is told the system by its environment, as the real one is. After `ready` each line is one turn in JSON: when
it began and ended on the machine's monotonic clock, and how long Rasa's part of it was, in seconds.
"""

import asyncio
import json
import signal
import sys
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import procrastinate
from procrastinate import JobContext

from booking_core.kit.jobs import Job
from bot.actions import all_actions
from bot.jobs import Work, build_jobs
from bot.serving import settle_down
from bot.settings import Settings
from bot.wiring import System, open_system
from bot.worker import TURNS_AT_ONCE, keep_working
from nlu.contract import Heard
from nlu.engine import Engine

_rasa: ContextVar[list[float]] = ContextVar("seconds of Rasa's part of this turn")


class Clocked:
    """The engine, with a clock on it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def turn(self, memory: dict[str, Any], heard: Heard, context: Any) -> Any:
        """Run the engine's turn and note its length."""
        began = time.monotonic()
        try:
            return await self._engine.turn(memory, heard, context)
        finally:
            _rasa.get().append(time.monotonic() - began)


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _clocked_jobs(system: System, engine: Engine) -> procrastinate.App:
    clocked: Any = Clocked(engine)
    work, app = Work(system, clocked), build_jobs(system, clocked)

    async def answer(context: JobContext, business_id: str, conversation_id: str) -> None:
        began, parts = time.monotonic(), list[float]()
        _rasa.set(parts)
        await work.answer_conversation(context, business_id, conversation_id)
        _tell({"began": began, "ended": time.monotonic(), "rasa": sum(parts)})

    app.tasks[Job.ANSWER_CONVERSATION.value].func = answer
    return app


async def _work(engine: Engine) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_system(Settings()) as system:
        jobs = _clocked_jobs(system, engine)
        async with jobs.open_async():
            running = asyncio.create_task(keep_working(jobs, [Job.ANSWER_CONVERSATION.value], TURNS_AT_ONCE))
            _tell("ready")
            await stop.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def main(model: str) -> None:
    """Work until asked to stop."""
    engine = Engine.load(Path(model), all_actions())
    settle_down()
    asyncio.run(_work(engine))


if __name__ == "__main__":
    main(sys.argv[1])
