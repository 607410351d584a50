"""A worker that is killed between the provider's yes and our record: the real client, a real SIGKILL."""

import asyncio
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from booking_core.kit.db import Database
from channels.access import TwilioAccess
from channels.deliver import deliver
from channels.models import Message
from channels.twilio import Twilio
from tests.channels.builders import a_thread, allowed, load, queued

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import asyncio, json, sys
from datetime import timedelta
from uuid import UUID
from booking_core.kit.db import Database
from channels.access import TwilioAccess
from channels.deliver import deliver
from channels.twilio import Twilio
from tests.channels.builders import allowed

async def main(url, api, business, message):
    db = Database(url)
    sms = Twilio.sms(TwilioAccess("AC1", "t", "+1", "+2", api, "http://x"), quiet=timedelta(0))
    await deliver(db, {"sms": sms}, UUID(business), UUID(message), may_send=allowed)

asyncio.run(main(*json.loads(sys.argv[1])))
"""


class SlowTwilio:
    """Takes a message, and answers only much later; lists what it took."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.someone_waits = asyncio.Event()
        self.patient = True

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            listed = [{"sid": f"SM{n}", "body": body} for n, body in reversed(list(enumerate(self.taken)))]
            return web.json_response({"messages": listed, "next_page_uri": None})
        (body,) = parse_qs((await request.read()).decode())["Body"]
        self.taken.append(body)
        if self.patient:
            self.someone_waits.set()
            await asyncio.sleep(60)
        return web.json_response({"sid": f"SM{len(self.taken) - 1}"}, status=201)


@pytest.mark.slow
@pytest.mark.parametrize("taken_before", [0, 1])
async def test_a_killed_worker_leaves_nothing_to_be_sent_twice(
    database: Database, database_url: str, taken_before: int
) -> None:
    twilio = SlowTwilio()
    # The same words went out before, in a message of its own: it must not be taken for this one.
    twilio.taken = ["hello"] * taken_before
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", twilio.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async with database.transaction() as session:
        thread = await a_thread(session)
        ids = await queued(session, thread, *["hello"] * taken_before, "hello", "more")
    for number in range(taken_before):
        async with database.transaction() as session:
            earlier = await session.get_one(Message, (thread.business_id, ids[number]))
            earlier.status, earlier.provider_id = "sent", f"SM{number}"
    one, two = ids[taken_before:]

    given = json.dumps([database_url, api, str(thread.business_id), str(one)])
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, given, cwd=ROOT)
    async with asyncio.timeout(60):
        await twilio.someone_waits.wait()
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    assert (await load(database, thread.business_id, one)).status == "sending"

    twilio.patient = False
    sms = Twilio.sms(TwilioAccess("AC1", "t", "+1", "+2", api, "http://x"), quiet=timedelta(0))
    outcomes = [await deliver(database, {"sms": sms}, thread.business_id, id_, may_send=allowed) for id_ in (one, two)]
    await sms.close()
    await runner.cleanup()
    assert outcomes == ["reconciled", "sent"]
    assert twilio.taken == ["hello"] * taken_before + ["hello", "more"]
    found = await load(database, thread.business_id, one)
    assert (found.status, found.provider_id) == ("sent", f"SM{taken_before}")
    assert (await load(database, thread.business_id, two)).status == "sent"
