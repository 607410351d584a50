"""Everything that is not about a booking: hello, thanks, not understood, never mind."""

from booking_core import booking as bookings
from booking_core.models import State
from bot.actions import reminders, unknown
from bot.actions.answers import own_bookings, pending_payment
from bot.actions.contract import Option, Turn, forget_task
from bot.actions.reminded import confirm_attendance, decline_reminder
from bot.actions.taking import fresh_task
from bot.actions.unasked import answer_plainly, tapped
from nlu.contract import Answer, Step
from payment_links import links

#: After these nothing is open: a plain "ok" or a thumb is a friendly nod.
_SETTLED = {"booked", "rescheduled", "cancelled", "waitlisted", "info"}
#: Said beside a yes or no, these are what is wanted.
_WISHES = {"book", "inform"}
#: Not understood this often in a row: a person is offered.
PATIENCE = 2


def first_steps(turn: Turn) -> list[Option]:
    """Return what a customer can start with."""
    return [
        turn.option("choice.book", "start_book"),
        turn.option("choice.my_bookings", "my_bookings"),
        turn.option("choice.person", "person"),
    ]


class Greet:
    """Hello back, with what can be done here."""

    name = "action_greet"

    async def answer(self, step: Step) -> Answer:
        """Greet; in the middle of something, go on with it."""
        turn: Turn = step.context
        if step.form:
            return Answer(say=(turn.say("greet.again", act="greet"),), then=step.form)
        said = turn.say(
            "greet", act="greet", choices=first_steps(turn), facts={"book": True}, business=turn.business.name
        )
        return Answer(say=(said,))


class SmallTalk:
    """Thanks, goodbye, and whether this is a machine: one honest line."""

    name = "action_small_talk"

    async def answer(self, step: Step) -> Answer:
        """Answer and, in the middle of something, ask the open question again."""
        turn: Turn = step.context
        key = {
            "thanks": "talk.welcome",
            "goodbye": "talk.bye",
            "bot_challenge": "talk.bot",
            "chitchat": "talk.well" if "?" in step.heard.text else "talk.nice",
        }.get(step.understood.intent, "talk.welcome")
        choices = [turn.option("choice.person", "person")] if key == "talk.bot" and not step.form else []
        said = turn.say(key, act="info", choices=choices, business=turn.business.name)
        return Answer(say=(said,), then=step.form)


class NothingOpen:
    """A yes or no without an open question: perhaps to a reminder."""

    name = "action_nothing_open"

    async def answer(self, step: Step) -> Answer:
        """Take it as the answer to the last reminder or offer, else ask what can be done."""
        turn: Turn = step.context
        if (answer := await answer_plainly(turn, step)) is not None:
            return answer
        if step.form is None and _WISHES & set(step.understood.also):
            return Answer(then="booking_form")  # "a haircut on Friday, but not with Carla"
        if turn.last is not None and turn.last.act == "reminder":
            if (which := await reminders.which(turn)) is not None:
                return Answer(say=(which,))
            if step.understood.intent == "affirm":
                return await confirm_attendance(turn, turn.last)
            return await decline_reminder(turn, turn.last)
        pending = await _pending(turn)
        if pending is not None:
            return pending
        if step.understood.intent == "affirm" and turn.last is not None and turn.last.act in _SETTLED:
            return Answer(say=(turn.say("talk.settled", act="info"),))
        if {"thanks", "goodbye"} & set(step.understood.also):
            return Answer(say=(turn.say("talk.welcome", act="info"),))
        return Answer(say=(turn.say("talk.what_now", act="clarify", choices=first_steps(turn)),))


async def _pending(turn: Turn) -> Answer | None:
    """Say again what is waited for while a time is held unpaid; its link may still be on its way."""
    held, said = await pending_payment(turn)
    if said is not None:
        return Answer(say=(said,))
    if held:
        turn.answer_follows = True
        return Answer()
    return None


class Fallback:
    """Not understood: say so kindly, with choices; the second time offer a person."""

    name = "action_fallback"

    async def answer(self, step: Step) -> Answer:
        """Count failures in the memory and answer accordingly."""
        turn: Turn = step.context
        memo = dict(step.slots.get("memo") or {})
        if not step.form and any(entity.entity == "unknown" for entity in step.understood.entities):
            turn.filled = True  # the message is read: the form only asks
            unknown.take_unknown(turn, step, {}, memo)
            return Answer(remember=fresh_task(turn) | {"memo": memo}, then="booking_form")
        memo["failures"] = int(memo.get("failures", 0)) + 1
        if memo["failures"] >= PATIENCE:
            said = turn.say(
                "fallback.person",
                act="fallback",
                choices=[turn.option("choice.person", "person"), turn.option("choice.book", "start_book")],
            )
            return Answer(say=(said,), remember={"memo": memo})
        if step.form:
            return Answer(say=(turn.say("fallback.again", act="fallback"),), remember={"memo": memo}, then=step.form)
        said = turn.say("fallback", act="fallback", choices=first_steps(turn))
        return Answer(say=(said,), remember={"memo": memo})


class Stop:
    """Never mind: holds are let go, nothing stays half done."""

    name = "action_stop"

    async def answer(self, step: Step) -> Answer:
        """Forget the task and free what was held in this thread."""
        turn: Turn = step.context
        await release_holds(turn)
        said = turn.say("stop.done", act="info", choices=[turn.option("choice.book", "start_book")])
        return Answer(say=(said,), remember=forget_task(), leave_form=True)


async def release_holds(turn: Turn) -> None:
    """Free what the customer holds unpaid in this thread, and close its payment page."""
    if turn.customer is None:
        return
    for one in await bookings.upcoming(turn.session, turn.business.id, turn.customer.id, now=turn.now):
        if one.state == State.HELD and one.conversation_id == turn.conversation.id:
            await bookings.release(turn.session, turn.business.id, one.id, now=turn.now, actor="customer")
            await links.close_payment(turn.session, turn.business.id, one.id, now=turn.now)


#: What a tap stands for that has an action of its own.
_ELSEWHERE = {"greet": "action_greet", "person": "action_handoff", "stop": "action_stop"}


class Tapped:
    """A choice that is not about the open form."""

    name = "action_tap"

    async def answer(self, step: Step) -> Answer:
        """Do what it means; those that start or continue a task go to the form."""
        turn: Turn = step.context
        assert step.heard.tap is not None  # noqa: S101 - the rule for taps runs for taps only
        if (unasked := await tapped(turn, step)) is not None:
            return unasked
        match step.heard.tap.do:
            case "greet" | "person" | "stop":
                return Answer(then=_ELSEWHERE[step.heard.tap.do])
            case "media":
                return Answer(say=(turn.say("media", act="info", choices=first_steps(turn)),), then=step.form)
            case "repeat":
                said = turn.say("talk.what_now", act="clarify", choices=first_steps(turn))
                return Answer(then=step.form) if step.form else Answer(say=(said,))
            case "my_bookings":
                return Answer(say=(await own_bookings(turn),), then=step.form)
            case "confirm_attendance":
                return await confirm_attendance(turn, None, step.heard.tap.args)
            case "yes" | "no" | "change_time" | "change_service" | "change_staff" | "pick_service" | "more_times":
                if step.form is None and turn.filled is False and step.heard.tap.do != "pick_service":
                    if (pending := await _pending(turn)) is not None:
                        return pending  # a second tap on the yes that made the hold
                    said = turn.say("talk.what_now", act="clarify", choices=first_steps(turn))
                    return Answer(say=(said,))
        if turn.filled:
            # The form had it and left it to us: what it names is past or gone.
            said = turn.say("talk.stale", act="info", choices=first_steps(turn))
            return Answer(say=(said,), remember=forget_task(), leave_form=True)
        return Answer(then="booking_form")
