"""Child processes in groups of their own, which end with us even when we are killed.

On Linux the kernel ends them (PR_SET_PDEATHSIG); elsewhere a keeper does (`bot/keeper.py`). Each leaves a
record, so that whatever an earlier run left behind can be found and ended.
"""

import contextlib
import ctypes
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
#: A Unix socket's path must be shorter than 104 (macOS) or 108 (Linux) bytes.
LONGEST_SOCKET = 100


class ServerError(Exception):
    """A server or process does not start; the message says why in a sentence for the person at the terminal."""


@dataclass
class Child:
    """A command that we start, watch and stop."""

    name: str
    command: Sequence[str]
    log: Path
    record: Path
    environment: Mapping[str, str] | None = None
    user: pwd.struct_passwd | None = None
    folder: Path | None = None
    #: What asks it politely to end.
    farewell: signal.Signals = signal.SIGTERM
    patience: float = 10.0
    #: Called before each start.
    clear_the_way: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the command; what it prints goes to its log."""
        if self.clear_the_way is not None:
            self.clear_the_way()
        command, prepare = _ending_with_us(self.command, self.farewell)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=prepare,  # noqa: PLW1509 - two system calls prepared beforehand; we start children from one thread
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
            )
        self.record.write_text(json.dumps({"pid": self.process.pid, "born": born(self.process.pid)}))

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        """Ask it to end, wait, then insist; returns when the whole group is gone."""
        if self.process is None:
            return
        _end_group(self.process.pid, self.farewell, self.patience, lambda: self.ended is not None)
        self.process.wait()
        self.process = None
        self.record.unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])


def _ending_with_us(
    command: Sequence[str], farewell: signal.Signals
) -> tuple[Sequence[str], Callable[[], None] | None]:
    if sys.platform != "linux":
        return [sys.executable, "-m", "bot.keeper", str(int(farewell)), *command], None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:  # We ended before the kernel was told.
            os._exit(1)

    return command, prepare


def end_leftover(record: Path, farewell: signal.Signals, patience: float = 10.0) -> bool:
    """End what an earlier run recorded and left running; return whether there was any."""
    pid = running_pid(record)
    if pid is not None:
        birth = born(pid)
        _end_group(pid, farewell, patience, lambda: born(pid) != birth)
    record.unlink(missing_ok=True)
    return pid is not None


def running_pid(record: Path) -> int | None:
    """Return the process that a record names, if that very one still runs."""
    try:
        kept = json.loads(record.read_text())
        pid, birth = int(kept["pid"]), str(kept["born"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if birth and born(pid) == birth else None


def born(pid: int) -> str:
    """Return when a process began, as text that no later process of the same id shares; empty if none runs."""
    if sys.platform == "linux":
        try:
            # The name in brackets may hold anything, so the fields are counted from behind it.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    ps = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout.strip()


def command_of(pid: int) -> str:
    """Return the command line of a process; empty if none runs or it is a zombie."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    ps = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout.strip()


def _end_group(leader: int, farewell: signal.Signals, patience: float, gone: Callable[[], bool]) -> None:
    for signum, wait in ((farewell, patience), (signal.SIGKILL, 5.0)):
        if gone():
            break
        _signal_group(leader, signum)
        deadline = time.monotonic() + wait
        while not gone() and time.monotonic() < deadline:
            time.sleep(0.02)
    # What the leader itself had started may outlive it.
    _signal_group(leader, signal.SIGKILL)


def _signal_group(leader: int, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signum)
