"""The children of `threadbook up`: started in order, watched, started again when they end, stopped in reverse order."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.processes import Child, ServerError

#: Seconds before a child that ended is started again: 0.5, 1, 2, ... up to this.
LONGEST_WAIT = 30.0
#: A child that ran this long has recovered: the next wait is short again.
RECOVERED_AFTER = 60.0


@dataclass
class Member:
    """A child, and how often it ended in a row."""

    child: Child
    started: float
    endings: int = 0
    again_at: float | None = None


@dataclass
class Crew:
    """Children that shall run until `stop`."""

    say: Callable[[str, str], None]
    members: list[Member] = field(default_factory=list)
    stopping: bool = False

    def adopt(self, child: Child | None) -> None:
        """Watch a child that runs already."""
        if child is not None:
            self.members.append(Member(child, time.monotonic()))

    def start(self, child: Child) -> None:
        """Start a child and watch it."""
        child.start()
        self.adopt(child)

    def watch(self) -> None:
        """Start again what has ended, with growing waits."""
        now = time.monotonic()
        for member in self.members:
            if member.again_at is not None:
                if now >= member.again_at:
                    member.again_at, member.started = None, now
                    member.child.start()
                    self.say(member.child.name, "started again")
                continue
            code = member.child.ended
            if code is None:
                continue
            if now - member.started > RECOVERED_AFTER:
                member.endings = 0
            wait = min(0.5 * 2**member.endings, LONGEST_WAIT)
            member.endings += 1
            member.again_at = now + wait
            self.say(
                member.child.name, f"ended {how_it_ended(code)}; starting it again in {wait:g} s ({member.child.log})"
            )

    def refuse_hopeless(self, limit: int = 3) -> None:
        """Raise when a child ends again and again before all was ever well."""
        for member in self.members:
            if member.endings >= limit:
                raise ServerError(
                    f"{member.child.name} ended {member.endings} times in a row. The end of {member.child.log}:\n\n"
                    + member.child.last_words()
                )

    def stop(self) -> None:
        """Stop all, the last started first."""
        self.stopping = True
        for member in reversed(self.members):
            member.child.stop()
        self.members.clear()

    def hurry(self) -> None:
        """End all at once: PostgreSQL by its immediate shutdown, which loses nothing committed."""
        for member in self.members:
            if member.child.process is not None:
                signum = signal.SIGQUIT if member.child.name == "postgres" else signal.SIGKILL
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(member.child.process.pid, signum)


def how_it_ended(code: int) -> str:
    """Say how a process ended, from its exit code."""
    if code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with code {code}"
