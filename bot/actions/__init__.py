"""One file per thing a customer may want; each calls the booking core and says what came of it."""

from bot.actions.answers import AnswerQuestion
from bot.actions.asking import AskDetails, AskPeople, AskPlace, AskUnits
from bot.actions.concern import Concern
from bot.actions.contract import Spoken
from bot.actions.fill import Fill
from bot.actions.late import RunningLate
from bot.actions.offer import AskSlot
from bot.actions.person import Handoff, OptOut
from bot.actions.reminded import ConfirmAttendance
from bot.actions.submit import Submit
from bot.actions.summary import AskBooking, AskConfirmed, AskName, AskService
from bot.actions.talk import Fallback, Greet, NothingOpen, SmallTalk, Stop, Tapped
from nlu.contract import DialogueAction


def all_actions() -> tuple[DialogueAction, ...]:
    """Return every action that the domain names."""
    actions: tuple[DialogueAction, ...] = (
        Fill(),
        AskBooking(),
        AskService(),
        AskPlace(),
        AskPeople(),
        AskUnits(),
        AskSlot(),
        AskDetails(),
        AskName(),
        AskConfirmed(),
        Submit(),
        AnswerQuestion(),
        Greet(),
        SmallTalk(),
        NothingOpen(),
        Fallback(),
        Stop(),
        Tapped(),
        ConfirmAttendance(),
        RunningLate(),
        Handoff(),
        OptOut(),
        Concern(),
    )
    return tuple(Spoken(action) for action in actions)
