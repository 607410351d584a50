"""The console's words: every key that a page uses exists, in every language, with the same values."""

import ast
import re
import string
from pathlib import Path

import pytest
import yaml

from bot.console.access import AREAS, Area
from bot.console.snooze import Snooze
from bot.console.threads import Show
from bot.console.transcripts import CHANNELS, OUTCOMES
from bot.console.way_routes import SHEET_WORDS
from bot.console.ways import ORDER
from bot.replies import Fault, Token
from bot.standing import Answers, Move, Refusal
from bot.withdrawals import CORRECTION, MOVES
from bot.words import LOCALES, Words
from channels.consents import CORRECTED, PROVES, SPOKEN, Needed, Purpose, Standing
from channels.models import Delivery

CONSOLE = Path(__file__).resolve().parents[3] / "bot" / "console"
LITERAL = re.compile(r"""\bt[n]?\('([a-z0-9_.]+)'""")
FAMILIES = {
    "nav.": [area.value for area in Area],
    "role.": list(AREAS),
    "team.may.": list(AREAS),
    "team.problem.": ["taken", "incomplete"],
    "channel.": list(CHANNELS),
    "outcome.": list(OUTCOMES),
    "delivery.": [each.value for each in Delivery if each not in {Delivery.RECEIVED, Delivery.ANSWERED}],
    "refused.": [each.value for each in Refusal],
    "event.": [*(each.value for each in Move), "snooze_heard", "estimate", *MOVES.values(), CORRECTION],
    "snooze.": [*(each.value for each in Snooze), "no_such_moment"],
    "replies.token.": [each.value for each in Token],
    "replies.refused.": [each.value for each in Fault],
    "ways.hint.": list(ORDER),
    "ways.code.": list(ORDER),
    "ways.sheet.": [*SHEET_WORDS, *ORDER],
    "consents.how.": [*PROVES, "blocked", "refused", "question", SPOKEN, CORRECTED],
    "consents.wish.": [f"{wish}_{purpose}" for wish in ("in", "out") for purpose in Purpose]
    + ["asked_reminders", "asked_marketing"],
    "consents.standing.": list(Standing),
    "consents.needed.": list(Needed),
    "consents.what.": list(MOVES),
    "consents.said.": ["recorded", "known", "corrected"],
    "consents.problem.": ["incomplete", "unexplained"],
    "inbox.show.": [each.value for each in Show],
    "inbox.nobody.": [each.value for each in Show if each is not Show.ALL],
    "state.": [*(each.value for each in Answers), "mine"],
    "inbox.part.": [each.value for each in Answers],
    "problem.": [
        f"{key}.{part}" for key in ("not_allowed", "forged", "not_here", "too_long") for part in ("title", "text")
    ],
}


def used() -> set[str]:
    found = {
        "console." + key
        for page in (CONSOLE / "templates").iterdir()
        for key in LITERAL.findall(page.read_text())
        if not key.endswith(".")  # the beginning of a family
    }
    return found | {f"console.{family}{member}" for family, members in FAMILIES.items() for member in members}


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "pt"])
def test_every_key_of_the_pages_has_words(words: Words, language: str) -> None:
    assert used() - set(words.keys(language)) == set()


def test_every_task_that_the_bot_sets_has_words(words: Words) -> None:
    calls = [
        node
        for path in CONSOLE.parent.glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("ask_staff", "_for_staff"))
    ]
    said = [each for call in calls for each in (*call.args, *(one.value for one in call.keywords if one.arg == "kind"))]
    kinds = {each.value for each in said if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    assert {"message_failed", "refund_failed"} <= kinds
    assert {kind for kind in kinds if not words.has(f"console.task.{kind}")} == set()


def test_everything_the_bot_may_understand_has_words(words: Words) -> None:
    domain = yaml.safe_load((LOCALES.parent / "domain" / "domain.yml").read_text())
    assert {intent for intent in domain["intents"] if not words.has(f"console.intent.{intent}")} == set()


def test_both_languages_say_the_same_things_with_the_same_values(words: Words) -> None:
    english, spanish = (
        {key: entry for key, entry in words.keys(language).items() if key.startswith("console.")}
        for language in ("en", "es")
    )
    assert set(english) == set(spanish)
    for key, entry in english.items():
        assert values(entry.forms) == values(spanish[key].forms), key
        assert len(entry.forms) == len(spanish[key].forms), key


def test_pages_hold_no_words_of_their_own() -> None:
    """Letters between tags that come from no key."""
    for page in (CONSOLE / "templates").glob("*.html"):
        text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", page.read_text(), flags=re.DOTALL)
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text, flags=re.DOTALL)
        loose = re.findall(r">([^<>]*[A-Za-z]{2,}[^<>]*)<", text)
        assert [words for words in loose if "&" not in words] == [], page.name


def values(forms: tuple[str, ...]) -> set[str]:
    # A singular may leave its number out.
    return {name for form in forms[-1:] for _, name, _, _ in string.Formatter().parse(form) if name}
