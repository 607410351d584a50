"""A message that did not arrive: it goes to the customer another way, or a person is asked to."""

from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business
from bot import letters, tasks
from channels import conversations, mail_threads, messages, terms
from channels.models import Conversation, Message
from channels.provider_errors import meaning_of

#: Channels that reach somebody who is not looking.
_RINGING = frozenset({"sms", "whatsapp", "telegram"})


async def say_elsewhere(session: AsyncSession, message: Message) -> bool:
    """Say it in another thread of the same customer, where this one's address takes no messages; staff can see it."""
    if not (meaning_of(message.error).unreachable or message.error == "window_closed"):
        return False
    other = await _other_thread(session, message)
    if other is None:
        return False
    now = message.status_at
    said = await _say_in(session, message, other)
    terms.agree(said, tried=[*message.terms.get("tried", ()), str(message.conversation_id)])
    terms.agree(message, instead=str(said.id))
    await tasks.ask_staff(
        session,
        message.business_id,
        kind="unreachable_elsewhere",
        key=f"unreachable:{message.conversation_id}:{message.error}",
        now=now,
        conversation_id=message.conversation_id,
        data={"error": message.error or "", "channel": other.channel},
    )
    return True


async def _say_in(session: AsyncSession, message: Message, other: Conversation) -> Message:
    """Queue a message once more in another thread; a letter has words of its own, and nothing to tap."""
    if mail_threads.is_mail(other):
        if (copied := message.terms.get("copied")) is not None:
            return await session.get_one(Message, (message.business_id, UUID(copied)))
        letter = await letters.instead(session, message, other)
        if letter is not None:
            return letter
    choices = [
        messages.ChoiceDraft(one.label, one.meaning["do"], one.meaning["args"])
        for one in await messages.choices_of(session, message)
    ]
    said = await messages.queue_message(
        session,
        other,
        sender=message.sender,
        text=terms.written(message),
        choices=choices,
        act=message.act,
        facts=message.facts,
        locale=message.locale,
        now=message.status_at,
        staff_user_id=message.staff_user_id,
    )
    terms.hold_back(said, useful_until=message.not_after)
    return said


async def tell_staff(session: AsyncSession, message: Message) -> None:
    """Ask for a person: to call the customer, to mend what concerns everybody, or to look at one message."""
    meaning = meaning_of(message.error)
    ask_staff = partial(
        tasks.ask_staff,
        session,
        message.business_id,
        now=message.status_at,
        conversation_id=message.conversation_id,
        data={"error": message.error or ""},
    )
    if meaning.unreachable:
        await ask_staff(kind="unreachable", key=f"message_failed:{message.id}")
    elif meaning.ours:
        # One for all the messages of a day: whatever is wrong is wrong for each of them.
        day = message.status_at.date()
        await ask_staff(kind="channel_setup", key=f"channel_setup:{message.channel}:{message.error}:{day}")
    else:
        await ask_staff(kind="message_failed", key=f"message_failed:{message.id}")


async def _other_thread(session: AsyncSession, message: Message) -> Conversation | None:
    here = await conversations.load(session, message.business_id, message.conversation_id)
    customer_id = here.customer_id
    if mail_threads.is_mail(here):
        await mail_threads.lose(session, here)
        if "copy_of" in message.terms:
            return None  # it was said in a thread already
        customer_id = await letters.customer_of(session, message) or customer_id
    if customer_id is None:
        return None
    tried = {here.id, *(UUID(one) for one in message.terms.get("tried", ()))}
    others = await conversations.find_for_customer(session, message.business_id, customer_id)
    found = next(
        (one for one in others if one.id not in tried and one.channel in _RINGING and one.opted_out_at is None), None
    )
    if found is not None:
        return found
    business = await session.get_one(Business, message.business_id)
    letter_box = await letters.thread_for(session, business, customer_id, uses=("also", "instead", "fallback"))
    return letter_box if letter_box is not None and letter_box.id not in tried else None
