"""Every written conversation on every channel, through signed webhooks, against the sandbox."""

from typing import Any

import pytest

from nlu.engine import Engine
from tests.flows.player import Player, Script, phone_for, plays
from tests.flows.world import running

pytestmark = pytest.mark.model


@pytest.mark.parametrize(("script", "channel"), [pytest.param(*one, id=f"{one[0].name}-{one[1]}") for one in plays()])
async def test_conversation(script: Script, channel: str, engine: Engine, database_url: str, redis_url: str) -> None:
    written = script.load()
    circumstances: dict[str, Any] = {
        "now": written.get("now", "2027-03-02T10:00"),
        "business": written.get("business", "marigold"),
    }
    circumstances["templates"] = channel == "whatsapp"
    async with running(engine, database_url, redis_url, **circumstances) as world:
        await Player(world, phone_for(world, channel, script.language)).play(written["steps"])
