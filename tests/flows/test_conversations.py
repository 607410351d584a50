"""Every written conversation on its channels, through signed webhooks, against the sandbox."""

from typing import Any

import pytest

from tests.flows.player import Player, Script, phone_for, plays
from tests.flows.world import House

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(("script", "channel"), [pytest.param(*one, id=f"{one[0].name}-{one[1]}") for one in plays()])
async def test_conversation(script: Script, channel: str, house: House) -> None:
    written = script.load()
    circumstances: dict[str, Any] = {name: written[name] for name in ("now", "business") if name in written}
    async with house.world(**circumstances) as world:
        await Player(world, phone_for(world, channel, script.language)).play(written["steps"])
