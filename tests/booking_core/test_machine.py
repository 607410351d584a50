"""Whatever happens to a small house, in any order: it is what the model says, and what it lists can be booked."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from booking_core.kit.db import Database
from tests.booking_core.breakages import BREAKAGES
from tests.booking_core.stories import Stories

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

#: How many houses; many more with THREADBOOK_EXAMPLES, and then never the same ones.
EXAMPLES = int(os.environ.get("THREADBOOK_EXAMPLES", "32"))
STEPS = 30
#: How many houses a mistake may stay unseen in.
BROKEN = 32
#: What must have come off at least once in a run, or it shows little.
DONE = (
    "hold", "hold refused", "hold_again", "reschedule", "cancel", "confirm", "expire", "retake", "approve", "decline",
    "give", "give refused", "offer_what_is_free", "accept", "turn down", "mark_no_show", "take_time_off",
    "two at once, 1 of them", "two at once, 2 of them",
)  # fmt: skip
#: Who is least busy depends on ids, so that no run is quite like another: where a rule was never drawn, others are.
ROUNDS = 4
RUN = settings(
    stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Stories]]:
    loop = asyncio.new_event_loop()
    database = Database(database_url)
    yield type("StoriesHere", (Stories,), {"database": database, "loop": loop, "tally": Counter()})
    loop.run_until_complete(database.close())
    loop.close()


def test_whatever_happens(machine: type[Stories]) -> None:
    repeated = "THREADBOOK_EXAMPLES" not in os.environ
    missing = set(DONE)
    for _ in range(ROUNDS):
        run_state_machine_as_test(machine, settings=settings(RUN, max_examples=EXAMPLES, derandomize=repeated))
        missing = {name for name in DONE if not machine.tally[name]}
        if not missing:
            break
        repeated = False
    sys.stdout.write(f"\n{machine.tally.total()} commands: {dict(sorted(machine.tally.items()))}\n")
    assert not missing, "nothing was tried of this"


@pytest.mark.parametrize("broken", BREAKAGES)
def test_a_core_that_is_broken_is_noticed(
    machine: type[Stories], database_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The same run, but with a mistake in the core: what the machine could not see would prove nothing."""
    BREAKAGES[broken](monkeypatch, database_url)
    for number in range(ROUNDS):
        once = settings(
            RUN, max_examples=BROKEN, derandomize=not number, phases=[Phase.generate], report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )  # fmt: skip
        noticed = _noticed(machine, once)
        if noticed is not None:
            break
    # An AssertionError each time it is tried, or, where two race, only almost each time.
    found = noticed.exceptions if isinstance(noticed, FlakyFailure) else [noticed]
    assert all(isinstance(one, AssertionError) for one in found), found


def _noticed(machine: type[Stories], how: settings) -> AssertionError | FlakyFailure | None:
    try:
        run_state_machine_as_test(machine, settings=how)
    except (AssertionError, FlakyFailure) as noticed:
        return noticed
    return None
