"""A person, please; and no more messages, please."""

from booking_core import waitlist
from bot import handoff, tasks
from bot.actions.contract import Turn, forget_task
from bot.actions.opening import answers_when
from bot.actions.talk import release_holds
from channels import conversations
from nlu.contract import Answer, Step


class Handoff:
    """Asked for a person: the bot says so once and is silent from then on."""

    name = "action_handoff"

    async def answer(self, step: Step) -> Answer:
        """Put the thread before the staff; what was collected is kept for the hand-back."""
        turn: Turn = step.context
        await handoff.ask_for_person(turn.session, turn.conversation, now=turn.now)
        turn.conversation.outcome = "handed_off"
        said = turn.say("handoff", act="handoff")
        return Answer(say=(said | {"text": f"{said['text']} {answers_when(turn)}".strip()},))


class OptOut:
    """No more messages: recorded at once, said once; bookings stay as they are."""

    name = "action_opt_out"

    async def answer(self, step: Step) -> Answer:
        """Record the opt-out of this address."""
        turn: Turn = step.context
        await release_holds(turn)
        if turn.customer is not None:
            for entry in await waitlist.list_for(turn.session, turn.business.id, turn.customer.id, now=turn.now):
                await waitlist.withdraw(turn.session, turn.business.id, entry.id, now=turn.now, actor="customer")
        await conversations.opt_out(turn.session, turn.conversation, turn.now, how="words")
        await tasks.ask_staff(
            turn.session,
            turn.business.id,
            kind="opted_out",
            key=f"opt_out:{turn.conversation.id}:{turn.key}",
            now=turn.now,
            conversation_id=turn.conversation.id,
        )
        return Answer(say=(turn.say("opted_out", act="opted_out"),), remember=forget_task(), leave_form=True)
