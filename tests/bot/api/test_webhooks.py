"""Webhooks against a real server: signed, tried again, given up, never led astray."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from bot.api import deliveries
from bot.api.backoff import WAITS
from bot.api.deliveries import AT_ONCE, Postman
from tests.booking_core.shop import MONDAY, at
from tests.bot.api.certificates import serving, trusting, write_certificate
from tests.bot.api.conftest import Api
from tests.bot.api.receiver import Receiver, Reply, receiving

DOWN = Reply(500)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


class Post:
    """A worker's part in webhooks, step by step."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.postman = Postman(api.db, api.settings)

    async def jobs(self) -> list[dict]:
        """Take the jobs that wait."""
        sql = "DELETE FROM procrastinate_jobs WHERE task_name = 'deliver_webhook' RETURNING args"
        return [row.args for row in await self.api.rows(sql)]

    async def run(self) -> None:
        """Look at what is due, then do every job."""
        await self.api.look()
        for one in await self.jobs():
            await self.deliver(one)

    async def deliver(self, one: dict) -> object:
        return await self.postman.deliver(UUID(one["business_id"]), UUID(one["delivery_id"]), one["attempt"])


@pytest.fixture
def post(api: Api) -> Post:
    return Post(api)


async def endpoint(api: Api, there: Receiver, **more: object) -> str:
    made = await api.post("/webhook-endpoints", {"url": there.url} | more)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def deliveries_of(api: Api, endpoint_id: str) -> list[dict]:
    return (await api.get(f"/webhook-endpoints/{endpoint_id}/deliveries")).json()["items"]


async def test_a_booking_is_told(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    booking = await api.booked("10:00", attendees=["Lola Gil"])
    await post.run()
    (got,) = there.got
    assert (got.method, got.path) == ("POST", "/hook")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == there.url.split("/")[2]
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 30  # real time, whatever the sandbox's clock says
    secret = (await api.get(f"/webhook-endpoints/{hook}/secret")).json()["secret"]
    assert got.is_signed_by(secret)
    assert not got.is_signed_by("whsec_" + "A" * 43 + "=")
    event = got.event
    assert (event["type"], event["id"]) == ("booking.confirmed", got.headers["webhook-id"])
    assert event["actor"].startswith("token:")
    assert event["data"]["id"] == booking["id"]
    assert event["data"]["starts"] == booking["starts"]
    assert not {"answers", "attendees", "calendar_url"} & set(event["data"])
    for word in ("Lola", "Maria", "/calendar/", api.token):
        assert word.encode() not in got.body
    (delivery,) = await deliveries_of(api, hook)
    assert (delivery["state"], delivery["attempts"], delivery["next_attempt_at"]) == ("delivered", 1, None)
    await post.run()
    assert len(there.got) == 1


async def test_first_it_fails_and_then_it_is_taken(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN]
    await api.booked("10:00")
    await post.run()
    (waiting,) = await deliveries_of(api, hook)
    assert (waiting["state"], waiting["attempts"]) == ("pending", 1)
    assert (await api.get(f"/webhook-endpoints/{hook}")).json()["failing_since"] is not None
    await post.run()
    assert len(there.got) == 1, "tried again too early"
    await api.advance(timedelta(seconds=12.1))
    await post.run()
    first, second = there.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    secret = (await api.get(f"/webhook-endpoints/{hook}/secret")).json()["secret"]
    assert second.is_signed_by(secret)
    (done,) = await deliveries_of(api, hook)
    assert (done["state"], [one["status"] for one in done["tries"]]) == ("delivered", [500, 200])
    assert (await api.get(f"/webhook-endpoints/{hook}")).json()["failing_since"] is None


async def test_it_is_tried_eight_times_ever_more_slowly(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN] * 20
    await api.booked("10:00")
    await post.run()
    for number, wait in enumerate(WAITS, start=1):
        (delivery,) = await deliveries_of(api, hook)
        assert (delivery["state"], delivery["attempts"]) == ("pending", number)
        due = datetime.fromisoformat(delivery["next_attempt_at"]) - datetime.fromisoformat(delivery["updated_at"])
        assert wait * 0.8 <= due <= wait * 1.2
        await api.advance(due - timedelta(seconds=2))
        await post.run()
        assert len(there.got) == number, "tried again too early"
        await api.advance(timedelta(seconds=3))
        await post.run()
        assert len(there.got) == number + 1
    (delivery,) = await deliveries_of(api, hook)
    assert (delivery["state"], delivery["next_attempt_at"]) == ("failed", None)
    await api.advance(timedelta(days=1))
    await post.run()
    assert len(there.got) == 8


async def test_a_receiver_that_wants_to_be_left_alone_is(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [Reply(429, {"Retry-After": "3600"}), Reply(503, {"Retry-After": "nonsense"})]
    await api.booked("10:00")
    await post.run()
    await api.advance(timedelta(minutes=59))
    await post.run()
    assert len(there.got) == 1
    await api.advance(timedelta(minutes=2))
    await post.run()
    (delivery,) = await deliveries_of(api, hook)
    due = datetime.fromisoformat(delivery["next_attempt_at"]) - datetime.fromisoformat(delivery["updated_at"])
    assert due <= timedelta(seconds=72)


async def test_who_is_gone_is_told_nothing_more(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN, Reply(410)]
    await api.booked("10:00")
    await api.booked("11:00")
    await post.run()
    closed = (await api.get(f"/webhook-endpoints/{hook}")).json()
    assert (closed["state"], closed["disabled_because"]) == ("disabled", "gone")
    assert {one["state"] for one in await deliveries_of(api, hook)} == {"dropped", "failed"}
    ((kind, data),) = await api.rows("SELECT kind, data FROM staff_task")
    assert (kind, data) == ("webhook_disabled", {"because": "gone"})
    await api.booked("12:00")
    await api.advance(timedelta(days=1))
    await post.run()
    assert len(there.got) == 2
    # Its owner has it told again.
    revived = await api.call("PATCH", f"/webhook-endpoints/{hook}", json={"state": "active"})
    assert (revived.json()["state"], revived.json()["disabled_because"]) == ("active", None)
    await api.booked("12:30", staff="Bruno", override=True)
    await post.run()
    assert len(there.got) == 3


async def test_after_three_days_of_failures_staff_are_asked(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN] * 3
    await api.booked("10:00")
    await post.run()
    await api.run("UPDATE webhook_delivery SET state = 'failed', due_at = NULL")
    await api.advance(timedelta(days=2, hours=23))
    await api.booked(at_day(3), override=True)
    await post.run()
    assert (await api.get(f"/webhook-endpoints/{hook}")).json()["state"] == "active"
    assert await api.rows("SELECT kind FROM staff_task") == []
    await api.advance(timedelta(hours=1, minutes=1))
    await post.run()
    closed = (await api.get(f"/webhook-endpoints/{hook}")).json()
    assert (closed["state"], closed["disabled_because"]) == ("disabled", "failing")
    ((kind, data),) = await api.rows("SELECT kind, data FROM staff_task")
    assert (kind, data) == ("webhook_disabled", {"because": "failing"})


async def test_a_success_in_between_begins_anew(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN, Reply(200), DOWN]
    await api.booked("10:00")
    await post.run()
    await api.advance(timedelta(days=2))
    await post.run()
    await api.advance(timedelta(days=2))
    await api.booked(at_day(5), override=True)
    await post.run()
    assert (await api.get(f"/webhook-endpoints/{hook}")).json()["state"] == "active"


async def test_redirects_are_not_followed(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [Reply(302, {"Location": there.url + "/elsewhere"}), Reply(307, {"Location": "/elsewhere"})]
    await api.booked("10:00")
    await post.run()
    await api.advance(timedelta(minutes=1))
    await post.run()
    assert [one.path for one in there.got] == ["/hook", "/hook"]
    (delivery,) = await deliveries_of(api, hook)
    assert [one["status"] for one in delivery["tries"]] == [302, 307]


async def test_nobody_at_home(api: Api, post: Post) -> None:
    async with receiving() as there:
        hook = await endpoint(api, there)
    await api.booked("10:00")
    await post.run()
    (delivery,) = await deliveries_of(api, hook)
    (tried,) = delivery["tries"]
    assert (delivery["state"], tried["status"], tried["error"]) == ("pending", None, "no_connection")


async def test_an_answer_that_never_comes(api: Api, there: Receiver, post: Post, monkeypatch) -> None:
    monkeypatch.setattr(deliveries, "DEADLINE", timedelta(seconds=0.2))
    hook = await endpoint(api, there)
    released = asyncio.Event()
    there.replies = [Reply(after=released.wait)]
    await api.booked("10:00")
    await post.run()
    released.set()
    (delivery,) = await deliveries_of(api, hook)
    assert (delivery["state"], delivery["tries"][0]["error"]) == ("pending", "timeout")


async def test_an_answer_that_never_ends(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [Reply(endless=True)]
    await api.booked("10:00")
    await post.run()
    (delivery,) = await deliveries_of(api, hook)
    assert delivery["state"] == "delivered"


@pytest.mark.parametrize(
    ("name", "trusted", "error"),
    [("localhost", True, None), ("elsewhere.example", True, "no_connection"), ("localhost", False, "no_connection")],
)
async def test_the_certificate_must_be_the_names(
    api: Api, post: Post, tmp_path: Path, monkeypatch, name: str, trusted: bool, error: str | None
) -> None:
    """We connect to an address, and still want the certificate of the name."""
    file = write_certificate(tmp_path, name)
    if trusted:
        monkeypatch.setattr(deliveries, "_tls", lambda: trusting(file))
    async with receiving(tls=serving(file)) as there:
        hook = await endpoint(api, there)
        await api.booked("10:00")
        await post.run()
        (delivery,) = await deliveries_of(api, hook)
        assert delivery["tries"][0]["error"] == error
        assert len(there.got) == (error is None)


async def test_a_name_that_leads_inside_by_now_is_not_followed(api: Api, there: Receiver, post: Post) -> None:
    """Judged when it was made, and again each time: an address that was written past the door is refused as well."""
    hook = await endpoint(api, there)
    await api.run("UPDATE webhook_endpoint SET url = 'https://10.0.0.1/'")
    await api.booked("10:00")
    await post.run()
    (delivery,) = await deliveries_of(api, hook)
    assert delivery["tries"][0]["error"] == "private_address"
    live = api.settings.model_copy(update={"telegram_token": type(api.settings.secret_key)("1:x")})
    assert not live.sandbox
    await api.run("UPDATE webhook_endpoint SET url = :url", url=there.url)
    await api.advance(timedelta(minutes=1))
    await api.look()
    (job,) = await post.jobs()
    result = await Postman(api.db, live).deliver(UUID(job["business_id"]), UUID(job["delivery_id"]), job["attempt"])
    assert result.error == "not_https"
    assert there.got == []


async def test_what_was_told_can_be_told_again(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    there.replies = [DOWN]
    await api.booked("10:00")
    await post.run()
    (delivery,) = await deliveries_of(api, hook)
    for _ in range(2):  # while it is pending, and once it is delivered
        again = await api.post(f"/webhook-deliveries/{delivery['id']}/resend")
        assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (202, "pending", 0)
        await post.run()
    assert len({one.headers["webhook-id"] for one in there.got}) == 1
    assert len(there.got) == 3
    await api.call("PATCH", f"/webhook-endpoints/{hook}", json={"state": "paused"})
    refused = await api.post(f"/webhook-deliveries/{delivery['id']}/resend")
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_now")


async def test_each_gets_what_it_wants(api: Api, post: Post) -> None:
    async with receiving("/all") as everything, receiving("/gone") as cancelled:
        await endpoint(api, everything)
        await endpoint(api, cancelled, events=["booking.cancelled"])
        booking = await api.booked("10:00")
        await api.post(f"/bookings/{booking['id']}/cancel")
        await post.run()
        assert [one.event["type"] for one in everything.got] == ["booking.confirmed", "booking.cancelled"]
        assert [one.event["type"] for one in cancelled.got] == ["booking.cancelled"]
        assert everything.got[0].event["sequence"] < everything.got[1].event["sequence"]
        # Each event shows the booking as its own change left it.
        assert [one.event["data"]["state"] for one in everything.got] == ["confirmed", "cancelled_by_business"]


async def test_a_test_goes_to_the_one_that_asked(api: Api, there: Receiver, post: Post) -> None:
    async with receiving() as other:
        await endpoint(api, other)
        hook = await endpoint(api, there, events=["booking.cancelled"])
        asked = await api.post(f"/webhook-endpoints/{hook}/test")
        assert asked.status_code == 202
        await post.run()
        assert other.got == []
    (got,) = there.got
    assert (got.event["type"], got.event["data"]) == ("webhook.test", None)


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    path = f"/webhook-endpoints/{hook}"
    old = (await api.get(f"{path}/secret")).json()["secret"]
    assert (await api.post(f"{path}/rotate-secret")).status_code == 204
    said = (await api.get(f"{path}/secret")).json()
    assert (said["old_secret"], said["secret"] == old) == (old, False)
    await api.booked("10:00")
    await post.run()
    assert there.got[0].is_signed_by(old)
    assert there.got[0].is_signed_by(said["secret"])
    await api.advance(timedelta(hours=25))
    await api.post(f"{path}/test")
    await post.run()
    assert not there.got[1].is_signed_by(old)
    assert there.got[1].is_signed_by(said["secret"])
    assert (await api.get(f"{path}/secret")).json()["old_secret"] is None


async def test_secrets_are_each_endpoints_own_and_in_no_table(api: Api, there: Receiver) -> None:
    hooks = [await endpoint(api, there) for _ in range(2)]
    secrets = {(await api.get(f"/webhook-endpoints/{hook}/secret")).json()["secret"] for hook in hooks}
    assert len(secrets) == 2
    assert "whsec_" not in str(await api.rows("SELECT to_jsonb(e) FROM webhook_endpoint e"))


async def test_a_job_that_comes_twice_posts_once(api: Api, there: Receiver, post: Post) -> None:
    await endpoint(api, there)
    await api.booked("10:00")
    await api.look()
    (job,) = await post.jobs()
    results = await asyncio.gather(*(post.deliver(job) for _ in range(4)))
    assert sum(result is not None for result in results) == 1
    assert len(there.got) == 1


async def test_a_worker_that_dies_in_the_middle_posts_again_under_the_same_id(api: Api, there: Receiver, post: Post):
    hook = await endpoint(api, there)
    await api.booked("10:00")
    await api.look()
    (job,) = await post.jobs()
    async with api.db.transaction() as session:  # claimed, and perhaps posted; then the lights went out
        await post.postman._claim(session, UUID(job["business_id"]), UUID(job["delivery_id"]), 1, ExitStack())
    await post.run()
    assert there.got == []
    await api.advance(timedelta(minutes=3))
    await post.run()
    (got,) = there.got
    (delivery,) = await deliveries_of(api, hook)
    assert (delivery["state"], delivery["attempts"], delivery["event_id"]) == (
        "delivered",
        2,
        got.headers["webhook-id"],
    )


async def test_one_slow_receiver_does_not_take_every_hand(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    released = asyncio.Event()
    there.replies = [Reply(after=released.wait)] * 4
    for _ in range(AT_ONCE + 2):
        await api.post(f"/webhook-endpoints/{hook}/test")
    jobs = await post.jobs()
    running = [asyncio.create_task(post.deliver(job)) for job in jobs]
    while there.open < AT_ONCE:
        await asyncio.sleep(0.01)
    done, _ = await asyncio.wait(running, timeout=0.2)
    assert [task.result() for task in done] == [None, None]
    released.set()
    await asyncio.gather(*running)
    assert there.most == AT_ONCE
    await api.advance(timedelta(seconds=4))
    await post.run()
    assert len(there.got) == AT_ONCE + 2


async def test_a_deleted_endpoint_is_forgotten(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    await api.booked("10:00")
    await api.look()
    assert (await api.call("DELETE", f"/webhook-endpoints/{hook}")).status_code == 204
    for job in await post.jobs():
        assert await post.deliver(job) is None
    assert there.got == []
    assert (await api.get(f"/webhook-endpoints/{hook}/deliveries")).status_code == 404


async def test_a_paused_endpoint_is_told_nothing(api: Api, there: Receiver, post: Post) -> None:
    hook = await endpoint(api, there)
    await api.booked("10:00")
    await api.look()
    await api.call("PATCH", f"/webhook-endpoints/{hook}", json={"state": "paused"})
    for job in await post.jobs():
        await post.deliver(job)
    assert there.got == []
    (delivery,) = await deliveries_of(api, hook)
    assert delivery["state"] == "dropped"
    assert (await api.post(f"/webhook-endpoints/{hook}/test")).json()["reason"] == "not_now"


async def test_twenty_addresses_and_no_more(api: Api, there: Receiver) -> None:
    for _ in range(20):
        await endpoint(api, there)
    refused = await api.post("/webhook-endpoints", {"url": there.url})
    assert (refused.status_code, refused.json()["data"]) == (422, {"most": 20})


def at_day(day: int) -> datetime:
    return at("10:00", MONDAY + timedelta(days=day))
