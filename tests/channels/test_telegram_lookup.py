"""Whether Telegram has a message: found by its number, nothing sent twice, no screen changed, unsure in doubt."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from channels import messages, terms
from channels.contract import Choice, Neighbours, OutgoingMessage, ProviderId, SendError
from channels.deliver import Outcome, deliver
from channels.models import Conversation, Message
from channels.telegram import Telegram
from channels.telegram_lookup import AHEAD, MOST_TRIED, candidates_for
from tests.channels.builders import allowed, load
from tests.channels.peer import Peer
from tests.channels.sandboxed import ADDRESSES, World
from tests.channels.test_telegram import a_text, bot, ok, peer, refused  # noqa: F401 - fixtures

OTHERS = ("700100201", "700100202", "700100203")
WORDS = "When would you like to come?"


def around(before: list[str], since: list[str], after: list[str], **more: bool) -> Neighbours:
    return Neighbours(tuple(before), tuple(since), tuple(after), **{"alone": True, "at_rest": True, **more})


# What a bot can know: rules.


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_wherever_a_message_is_its_number_is_tried_and_no_known_one(seed: int, busy: int) -> None:
    dice = Random(seed)
    number, before, since, after = 1000, ["5:1000"], [], []
    ours = dice.randrange(busy)
    own_number = 0
    for place in range(busy):
        number += dice.choice((1, 1, 1, 2))
        if place == ours:
            own_number = number
        elif dice.random() < 0.7:  # the others are not known: other workers', or customers' that still come
            # Never "before" what is newer, nor "after" what is older.
            known = f"{dice.randrange(5, 9)}:{number}"
            since.append(known)
            if place > ours and dice.random() < 0.3:
                after.append(known)
    numbers, bounded = candidates_for(around(before, since, after))
    assert not {int(one.split(":")[1]) for one in [*before, *since]} & set(numbers)
    newest = max(int(one.split(":")[1]) for one in [*before, *since])
    if bounded or own_number <= newest + AHEAD:
        assert own_number in numbers


@pytest.mark.parametrize(
    "known",
    [
        around([], ["5:7"], []),  # nothing is known to be older
        around(["5:7"], ["6:7"], []),  # one number in two chats: not one count
        around(["5:7"], [f"6:{7 + 2 * MOST_TRIED + AHEAD}"], []),  # too many that nobody has told us of
        around(["5:7"], [], ["6:99999999"]),
    ],
    ids=["nothing older", "not one count", "too many", "too far"],
)
def test_in_doubt_nothing_is_tried(known: Neighbours) -> None:
    with pytest.raises(SendError) as doubt:
        candidates_for(known)
    assert (doubt.value.unsure, doubt.value.retryable) == (True, False)


def test_taps_and_edits_are_no_numbers_of_their_own() -> None:
    numbers, _ = candidates_for(around(["5:7", "tap:123456"], ["5:8:edit:99", "5:9"], ["6:11"]))
    assert numbers == [10]


# What Telegram says.

GONE = refused(400, "Bad Request: message to edit not found")
CUSTOMERS = refused(400, "Bad Request: message can't be edited")
TEXT_OF_OURS = refused(400, "Bad Request: there is no caption in the message to edit")


def looked_for(**more: Any) -> OutgoingMessage:
    known = {"before": ("42:7",), "since": ("42:8",), "after": ("9:12",), "alone": True, "at_rest": True}
    return OutgoingMessage("k", "700", "42", WORDS, neighbours=Neighbours(**(known | more)))


async def test_it_is_found_among_the_numbers_that_nobody_has(bot: Telegram, peer: Peer) -> None:  # noqa: F811
    peer.answers["/editMessageCaption"] = [GONE, CUSTOMERS, TEXT_OF_OURS]
    assert await bot.find_sent(looked_for()) == ProviderId("42:11")
    # Nothing in what is asked could change a text: no words, no buttons.
    assert [one.form for one in peer.asked] == [{"chat_id": "42", "message_id": str(n)} for n in (9, 10, 11)]


async def test_where_it_cannot_be_it_is_not(bot: Telegram, peer: Peer) -> None:  # noqa: F811
    peer.answers["/editMessageCaption"] = [GONE, CUSTOMERS, GONE]
    assert await bot.find_sent(looked_for()) is None


@pytest.mark.parametrize("waiting", [0, 3])
async def test_without_anything_newer_it_is_not_there_only_if_no_update_waits(
    bot: Telegram,  # noqa: F811
    peer: Peer,  # noqa: F811
    waiting: int,
) -> None:
    info = {"url": "x", "has_custom_certificate": False, "pending_update_count": waiting}
    peer.answers = {"/editMessageCaption": [GONE], "/getWebhookInfo": [ok(info)]}
    if waiting:
        with pytest.raises(SendError) as doubt:
            await bot.find_sent(looked_for(after=()))
        assert (doubt.value.unsure, doubt.value.retryable) == (True, True)
    else:
        assert await bot.find_sent(looked_for(after=())) is None
    assert len([one for one in peer.asked if one.path.endswith("Caption")]) == AHEAD


async def test_what_may_still_arrive_is_not_missing(bot: Telegram, peer: Peer) -> None:  # noqa: F811
    peer.answers["/editMessageCaption"] = [GONE]
    with pytest.raises(SendError) as doubt:
        await bot.find_sent(looked_for(at_rest=False))
    assert (doubt.value.unsure, doubt.value.retryable) == (True, True)


async def test_of_two_in_doubt_neither_is_found(bot: Telegram, peer: Peer) -> None:  # noqa: F811
    with pytest.raises(SendError) as doubt:
        await bot.find_sent(looked_for(alone=False))
    assert (doubt.value.unsure, doubt.value.retryable, peer.asked) == (True, False, [])


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        (refused(400, "Bad Request: chat not found"), False),
        (refused(403, "Forbidden: bot was blocked by the user"), False),
        (refused(500, "Internal Server Error"), True),
        (None, True),
        (ok({"message_id": 9, "date": 1, "chat": {"id": 42, "type": "private"}, "caption": ""}), False),
    ],
    ids=["no chat", "blocked", "broken", "no answer", "a caption"],
)
async def test_any_other_answer_leaves_it_unsure(
    bot: Telegram,  # noqa: F811
    peer: Peer,  # noqa: F811
    answer: tuple[int, Any] | None,
    retryable: bool,
) -> None:
    peer.answers["/editMessageCaption"] = [answer]
    with pytest.raises(SendError) as caught:
        await bot.find_sent(looked_for())
    assert (caught.value.unsure, caught.value.retryable) == (True, retryable)


async def test_a_busy_telegram_is_asked_again(bot: Telegram, peer: Peer) -> None:  # noqa: F811
    busy = refused(429, "Too Many Requests: retry after 0", retry_after=0)
    peer.answers["/editMessageCaption"] = [busy, refused(500, "Internal Server Error"), TEXT_OF_OURS]
    assert await bot.find_sent(looked_for()) == ProviderId("42:9")


# The whole way, against the stand-in.


async def interrupted(world: World, *, sent: bool, text: str = WORDS) -> UUID:
    """A reply whose worker died: after Telegram had it, or before."""
    now = datetime.now(UTC)
    async with world.db.transaction() as session:
        telegram = select(Conversation).where(Conversation.channel == "telegram")
        thread = (await session.scalars(telegram.where(Conversation.address == ADDRESSES["telegram"]))).one()
        choices = [messages.ChoiceDraft("Tomorrow", "choose", {"day": 1})]
        row = await messages.queue_message(
            session, thread, sender="bot", text=text, choices=choices, locale="en", now=now
        )
        business, number = row.business_id, row.id
        row = await session.get_one(Message, (business, number), populate_existing=True)
        row.status, row.attempts, row.status_at = "sending", 1, now
        shown = [Choice(choice["id"], choice["label"]) for choice in row.choices]
    if sent:
        account = world.vendors.telegram
        assert account is not None
        await world.channels["telegram"].send(
            OutgoingMessage("k", account.bot_id, ADDRESSES["telegram"], text, tuple(shown))
        )
    return number


async def delivered(world: World, number: UUID) -> tuple[Outcome, Message]:
    async with world.db.transaction() as session:
        business = (await session.scalars(select(Message.business_id).limit(1))).one()
    outcome = await deliver(world.db, world.channels, business, number, may_send=allowed)
    return outcome, await load(world.db, business, number)


async def five_seconds_later(world: World, number: UUID) -> None:
    async with world.db.transaction() as session:
        row = (await session.scalars(select(Message).where(Message.id == number))).one()
        looked = terms.looked_up_at(row)
        assert looked is not None
        terms.agree(row, looked_up_at=(looked - timedelta(seconds=5)).isoformat())


async def others_talk(world: World) -> None:
    for phone in OTHERS:
        await world.http.post(f"/sandbox/phones/telegram/{phone}/say", json={"text": f"Hello from {phone}"})
        await world.heard("telegram", lambda row, phone=phone: row.text == f"Hello from {phone}")


async def test_what_a_killed_worker_had_sent_is_found_and_no_screen_changes(world: World) -> None:
    await world.say("telegram", "/start")
    await others_talk(world)
    number = await interrupted(world, sent=True)
    await others_talk(world)
    before = await world.screen("telegram")
    outcome, row = await delivered(world, number)
    assert (outcome, row.status, row.error) == (Outcome.RECONCILED, "sent", None)
    after = await world.screen("telegram")
    assert after == before
    assert [one["text"] for one in after] == ["/start", WORDS]
    assert row.provider_id is not None
    # The number that was found is the message's: a tap on its button says the same.
    tapped = await world.tap("telegram", after[-1]["n"], after[-1]["choices"][0]["id"])
    assert tapped.in_reply_to == row.provider_id


async def test_what_was_never_sent_is_sent_once_when_that_is_certain(world: World) -> None:
    await world.say("telegram", "/start")
    number = await interrupted(world, sent=False)
    outcome, row = await delivered(world, number)
    assert (outcome, row.status) == (Outcome.RETRYING, "sending")
    await five_seconds_later(world, number)
    outcome, row = await delivered(world, number)
    assert (outcome, row.status) == (Outcome.SENT, "sent")
    assert [one["text"] for one in await world.screen("telegram")] == ["/start", WORDS]
    assert terms.looked_up_at(row) is None


async def test_what_arrives_late_is_found_by_the_next_look(world: World) -> None:
    await world.say("telegram", "/start")
    number = await interrupted(world, sent=False)
    assert (await delivered(world, number))[0] is Outcome.RETRYING
    account = world.vendors.telegram
    assert account is not None
    late = OutgoingMessage("k", account.bot_id, ADDRESSES["telegram"], WORDS)
    await world.channels["telegram"].send(late)
    await five_seconds_later(world, number)
    assert (await delivered(world, number))[0] is Outcome.RECONCILED
    assert [one["text"] for one in await world.screen("telegram")] == ["/start", WORDS]


async def test_one_of_two_in_doubt_stays_unsure_and_nothing_is_sent(world: World) -> None:
    await world.say("telegram", "/start")
    first = await interrupted(world, sent=True, text="The first")
    async with world.db.transaction() as session:
        row = (await session.scalars(select(Message).where(Message.id == first))).one()
        row.status = "unsure"
    second = await interrupted(world, sent=False)
    outcome, row = await delivered(world, second)
    assert (outcome, row.status, row.error) == (Outcome.UNSURE, "unsure", "telegram_has_no_list")
    assert [one["text"] for one in await world.screen("telegram")] == ["/start", "The first"]
