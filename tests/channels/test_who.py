"""Who writes: one person under changing names, what they agreed to, and links that carry them to another channel."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from bot.sandbox.twilio_phone import scoped_id
from channels import thread_links
from channels.accounts import open_account
from channels.contract import ChannelLeft, ChannelReturned, IncomingMessage, ProviderId
from channels.conversations import open_conversation, opt_out
from channels.models import ConsentNote, Conversation, ConversationAlias
from channels.receive import receive
from tests.channels.builders import ACCOUNTS, NOW, a_business, a_message
from tests.channels.sandboxed import ADDRESSES, World

NUMBER, SCOPED = "whatsapp:+34600111222", "whatsapp:ES.abc123"


def written(provider_id: str, address: str, *also: str) -> IncomingMessage:
    return IncomingMessage(
        account=ACCOUNTS["whatsapp"], address=address, provider_id=ProviderId(provider_id), text="hello", also=also
    )


async def addresses(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(Conversation.address)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (written("1", NUMBER, SCOPED), written("2", SCOPED)),
        (written("1", NUMBER), written("2", SCOPED, NUMBER)),
        (written("1", SCOPED), written("2", NUMBER, SCOPED)),
        (written("1", SCOPED, NUMBER), written("2", NUMBER)),
    ],
)
async def test_a_number_and_a_scoped_id_are_one_person_where_whatsapp_says_so(
    session: AsyncSession, first: IncomingMessage, second: IncomingMessage
) -> None:
    await a_business(session)
    await receive(session, "whatsapp", [first], now=NOW)
    await receive(session, "whatsapp", [second], now=NOW)
    # One thread, and answers go to the name that wrote last.
    assert await addresses(session) == [second.address]
    await receive(session, "whatsapp", [written("3", first.address)], now=NOW)
    assert await addresses(session) == [first.address]


async def test_without_evidence_they_stay_two(session: AsyncSession) -> None:
    await a_business(session)
    await receive(session, "whatsapp", [written("1", NUMBER), written("2", SCOPED)], now=NOW)
    assert sorted(await addresses(session)) == sorted([NUMBER, SCOPED])
    await receive(session, "whatsapp", [written("3", NUMBER, SCOPED)], now=NOW)
    assert len(await addresses(session)) == 2


async def test_another_business_learns_nothing_of_it(session: AsyncSession) -> None:
    await a_business(session)
    await a_business(session, "other", {"whatsapp": "whatsapp:+15005550099"})
    await receive(session, "whatsapp", [written("1", NUMBER, SCOPED)], now=NOW)
    elsewhere = IncomingMessage("whatsapp:+15005550099", SCOPED, ProviderId("2"), "hello")
    await receive(session, "whatsapp", [elsewhere], now=NOW)
    assert len(await addresses(session)) == 2


async def test_a_number_that_flips_to_an_id_stays_one_thread_over_the_wire(world: World) -> None:
    await world.say("whatsapp", "from the number")
    scoped = scoped_id(ADDRESSES["whatsapp"])
    path = f"/sandbox/phones/whatsapp/{scoped}/say"
    assert (await world.http.post(path, json={"text": "from the id"})).status_code == 202
    await world.heard("whatsapp", lambda row: row.text == "from the id")
    async with world.db.transaction() as session:
        assert await addresses(session) == [f"whatsapp:{scoped}"]
        aliases = set(await session.scalars(select(ConversationAlias.address)))
        assert f"whatsapp:{ADDRESSES['whatsapp']}" in aliases


async def test_every_wish_is_written_down_and_kept(session: AsyncSession) -> None:
    await a_business(session)
    said = [
        a_message("SM1"),
        a_message("SM2"),
        a_message("SM3", "STOP", platform_opt="stop"),
        a_message("SM4", "STOP", platform_opt="stop"),
        a_message("SM5", "START", platform_opt="start"),
    ]
    await receive(session, "sms", said, now=NOW)
    notes = await session.scalars(select(ConsentNote).order_by(ConsentNote.provider_id))
    assert [(one.wish, one.how, one.provider_id) for one in notes] == [
        ("in", "wrote", "SM1"),
        ("out", "platform", "SM3"),
        ("in", "platform", "SM5"),
    ]


async def test_a_word_of_ones_own_is_kept_beside_one_that_was_told_of(session: AsyncSession) -> None:
    await a_business(session)
    await receive(session, "sms", [a_message("SM1")], now=NOW)
    thread = (await session.scalars(select(Conversation))).one()
    for _ in range(2):
        await opt_out(session, thread, NOW, how="spoken", wording="Never again")
    stop = [a_message(f"SM{number}", "STOP", platform_opt="stop") for number in (2, 3)]
    await receive(session, "sms", stop, now=NOW)
    notes = await session.scalars(select(ConsentNote).where(ConsentNote.wish == "out"))
    assert {(one.how, one.provider_id, one.wording) for one in notes} == {
        ("spoken", None, "Never again"), ("platform", "SM2", None),
    }  # fmt: skip


async def test_blocking_is_a_wish_too(session: AsyncSession) -> None:
    await a_business(session)
    hello = IncomingMessage(ACCOUNTS["telegram"], "42", ProviderId("42:1"), "hello")
    left, back = ChannelLeft(ACCOUNTS["telegram"], "42"), ChannelReturned(ACCOUNTS["telegram"], "42")
    await receive(session, "telegram", [hello, left, back], now=NOW)
    notes = await session.scalars(select(ConsentNote))
    assert {(one.wish, one.how) for one in notes} == {("in", "wrote"), ("out", "blocked"), ("in", "unblocked")}


async def known_thread(session: AsyncSession) -> Conversation:
    business = await a_business(session)
    account = await open_account(session, business.id, "sms", ACCOUNTS["sms"])
    thread = await open_conversation(session, account, "+34600111222", now=NOW)
    thread.customer_id, thread.locale = new_id(), "es"
    return thread


def started(token: str, address: str = "42") -> IncomingMessage:
    return IncomingMessage(
        ACCOUNTS["telegram"], address, ProviderId(f"{address}:{token}"), f"/start {token}", introduces=token
    )


async def on_telegram(session: AsyncSession) -> dict[str, Conversation]:
    found = await session.scalars(select(Conversation).where(Conversation.channel == "telegram"))
    return {one.address: one for one in found}


async def test_a_deep_link_joins_a_chat_to_its_customer_once(session: AsyncSession) -> None:
    thread = await known_thread(session)
    token = await thread_links.make_link(session, thread, now=NOW)
    assert len(token) <= 64
    await receive(session, "telegram", [started(token), started(token, "43")], now=NOW)
    chats = await on_telegram(session)
    assert (chats["42"].customer_id, chats["42"].locale) == (thread.customer_id, "es")
    assert chats["43"].customer_id is None


async def test_a_deep_link_that_is_old_or_made_up_joins_nothing(session: AsyncSession) -> None:
    thread = await known_thread(session)
    token = await thread_links.make_link(session, thread, now=NOW)
    late = NOW + thread_links.LINK_LIFE + timedelta(seconds=1)
    await receive(session, "telegram", [started(token), started("made-up", "43")], now=late)
    assert [chat.customer_id for chat in (await on_telegram(session)).values()] == [None, None]


async def test_a_deep_link_does_not_take_a_chat_from_somebody(session: AsyncSession) -> None:
    thread = await known_thread(session)
    await receive(session, "telegram", [IncomingMessage(ACCOUNTS["telegram"], "42", ProviderId("1"), "hi")], now=NOW)
    somebody = new_id()
    (await on_telegram(session))["42"].customer_id = somebody
    token = await thread_links.make_link(session, thread, now=NOW)
    await receive(session, "telegram", [started(token)], now=NOW)
    assert (await on_telegram(session))["42"].customer_id == somebody


async def test_nobody_known_gets_no_link(session: AsyncSession) -> None:
    thread = await known_thread(session)
    thread.customer_id = None
    with pytest.raises(LookupError):
        await thread_links.make_link(session, thread, now=NOW)
