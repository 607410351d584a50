"""A turn that fails: nothing is half done, the message is tried again, at last a person is called."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from booking_core.kit.clock import current_time
from bot.actions import all_actions
from bot.jobs import TURN_ATTEMPTS, Work
from bot.sample import seed_business
from bot.turn import Unanswered
from bot.wiring import System, open_system
from channels.contract import IncomingMessage
from channels.receive import receive
from nlu.contract import Answer, Step
from nlu.engine import Engine
from tests.flows.world import settings_for

pytestmark = pytest.mark.model


class Breaks:
    """An action with a bug."""

    name = "action_greet"

    async def answer(self, step: Step) -> Answer:
        raise ZeroDivisionError


class Silent:
    """An action that forgets to say anything."""

    name = "action_greet"

    async def answer(self, step: Step) -> Answer:
        return Answer()


@dataclass
class Context:
    @dataclass
    class Job:
        attempts: int

    job: Job


async def said(system: System, words: str) -> tuple[str, str]:
    async with system.db.transaction() as session:
        now = await current_time(session)
        incoming = IncomingMessage("marigold", "somebody", uuid4().hex, words)
        await receive(session, "web", [incoming], now=now)
        row = (await session.execute(text("SELECT business_id, id FROM conversation"))).one()
    return str(row.business_id), str(row.id)


@pytest.mark.parametrize(
    ("greets", "error"), [(Breaks(), ZeroDivisionError), (Silent(), Unanswered)], ids=["a bug", "silence"]
)
async def test_a_bug_is_tried_again_and_then_left_to_a_person(
    model: Path, database_url: str, redis_url: str, greets: Breaks | Silent, error: type[Exception]
) -> None:
    broken = Engine.load(model, [greets if one.name == "action_greet" else one for one in all_actions()])
    async with open_system(settings_for(database_url, redis_url)) as system:
        await seed_business(system.db, system.settings)
        ids = await said(system, "hello")
        work = Work(system, broken)
        for attempt in range(TURN_ATTEMPTS - 1):
            with pytest.raises(error):
                await work.answer_conversation(Context(Context.Job(attempt)), *ids)
        async with system.db.transaction() as session:
            assert (await session.execute(text("SELECT count(*) FROM message WHERE sender = 'bot'"))).scalar() == 0
        await work.answer_conversation(Context(Context.Job(TURN_ATTEMPTS - 1)), *ids)
        async with system.db.transaction() as session:
            acts = (await session.execute(text("SELECT act FROM message WHERE sender = 'bot'"))).scalars().all()
            answers = (await session.execute(text("SELECT answers FROM dialogue"))).scalar()
            tasks = (await session.execute(text("SELECT kind FROM staff_task"))).scalars().all()
        assert (acts, answers, tasks) == (["handoff"], "waiting", ["turn_failed"])


async def test_a_job_that_comes_twice_answers_once(engine: Engine, database_url: str, redis_url: str) -> None:
    async with open_system(settings_for(database_url, redis_url)) as system:
        await seed_business(system.db, system.settings)
        ids = await said(system, "hello")
        work = Work(system, engine)
        for _ in range(3):
            await work.answer_conversation(Context(Context.Job(0)), *ids)
        async with system.db.transaction() as session:
            assert (await session.execute(text("SELECT count(*) FROM message WHERE sender = 'bot'"))).scalar() == 1
