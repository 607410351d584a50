"""Where a program must step back: health, danger, anger. No advice, one calm line, and a person is called."""

from bot import handoff, tasks
from bot.actions.contract import Turn
from bot.actions.opening import answers_when
from nlu.contract import Answer, Step

#: So often is somebody calmed; then a person takes over without being asked for.
_CALMED = 1


class Concern:
    """A question of health, somebody in danger, or an angry word."""

    name = "action_concern"

    async def answer(self, step: Step) -> Answer:
        """Say the one right thing, and put a person on it."""
        turn: Turn = step.context
        said = {step.understood.intent, *step.understood.also}
        kind = next((kind for kind in ("distress", "medical") if kind in said), "complaint")
        if kind == "complaint":
            return await _upset(turn, step)
        await _flag(turn, kind)
        await handoff.ask_for_person(turn.session, turn.conversation, now=turn.now)
        turn.conversation.outcome = "handed_off"
        text = turn.say(f"concern.{kind}", act="handoff")
        return Answer(say=(text | {"text": f"{text['text']} {answers_when(turn)}".strip()},))


async def _upset(turn: Turn, step: Step) -> Answer:
    memo = dict(step.slots.get("memo") or {})
    memo["upset"] = int(memo.get("upset", 0)) + 1
    await _flag(turn, "upset")
    if memo["upset"] > _CALMED:
        await handoff.ask_for_person(turn.session, turn.conversation, now=turn.now)
        turn.conversation.outcome = "handed_off"
        text = turn.say("concern.upset_again", act="handoff")
        return Answer(say=(text | {"text": f"{text['text']} {answers_when(turn)}".strip()},), remember={"memo": memo})
    options = [turn.option("choice.person", "person"), turn.option("choice.go_on", "repeat")]
    return Answer(say=(turn.say("concern.upset", act="clarify", choices=options),), remember={"memo": memo})


async def _flag(turn: Turn, kind: str) -> None:
    await tasks.ask_staff(
        turn.session,
        turn.business.id,
        kind=kind,
        key=f"{kind}:{turn.conversation.id}:{turn.key}",
        now=turn.now,
        conversation_id=turn.conversation.id,
    )
