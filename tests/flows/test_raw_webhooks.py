"""Webhooks that no sandbox phone sends: a voice note, a message longer than any phone writes, one delivered twice."""

from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from nlu.engine import Engine
from tests.flows.player import ADDRESSES
from tests.flows.world import World, running

pytestmark = pytest.mark.model
LONGEST = 5000


async def deliver(world: World, sid: str, **form: str) -> None:
    """Post what Twilio would, signed as Twilio signs."""
    ((account,),) = await world.rows("SELECT address FROM channel_account WHERE channel = 'sms'")
    content = {"MessageSid": sid, "From": ADDRESSES["sms"], "To": account, "Body": "", "NumMedia": "0", **form}
    url = f"{world.settings.base_url}/webhooks/sms"
    signature = RequestValidator(world.system.vendors.twilio.auth_token).compute_signature(url, content)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    answer = await world.http.post("/webhooks/sms", content=urlencode(content), headers=headers)
    assert answer.status_code == 200, answer.text


async def acts(world: World, count: int) -> list[str]:
    """Wait until the bot has said so many things."""
    await world.wait_for("SELECT 1 FROM message WHERE sender = 'bot' HAVING count(*) >= %s", count, seconds=60)
    return [act for (act,) in await world.rows("SELECT act FROM message WHERE sender = 'bot' ORDER BY seq")]


async def test_a_voice_note_keeps_the_form_and_is_shown_to_staff(
    engine: Engine, database_url: str, redis_url: str
) -> None:
    async with running(engine, database_url, redis_url) as world:
        await deliver(world, "SM1", Body="a haircut with Ana on Friday")
        assert await acts(world, 1) == ["offer_slots"]
        voice = {"MediaUrl0": "https://api.twilio.com/a.ogg", "MediaContentType0": "audio/ogg"}
        await deliver(world, "SM2", NumMedia="1", **voice)
        assert await acts(world, 2) == ["offer_slots", "offer_slots"]
        ((said,),) = await world.rows("SELECT text FROM message WHERE sender = 'bot' ORDER BY seq DESC LIMIT 1")
        assert "only read text" in said
        ((kept,),) = await world.rows("SELECT attachments FROM message WHERE provider_id = 'SM2'")
        assert kept


async def test_five_thousand_letters_are_kept_whole_and_answered(
    engine: Engine, database_url: str, redis_url: str
) -> None:
    text = ("I would like a haircut with Ana on Friday. " + "My hair is long and curly. " * 200)[:LONGEST]
    async with running(engine, database_url, redis_url) as world:
        await deliver(world, "SM1", Body=text)
        assert await acts(world, 1) == ["offer_slots"]
        assert await world.rows("SELECT text FROM message WHERE provider_id = 'SM1'") == [(text,)]


async def test_one_message_delivered_twice_is_one_turn(engine: Engine, database_url: str, redis_url: str) -> None:
    async with running(engine, database_url, redis_url) as world:
        await deliver(world, "SM1", Body="hello")
        await deliver(world, "SM1", Body="hello")
        assert await acts(world, 1) == ["greet"]
        await deliver(world, "SM2", Body="hello again")
        assert len(await acts(world, 2)) == 2
