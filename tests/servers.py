"""Real servers for the tests: embedded ones, or those that the environment names."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.embedded import EmbeddedPostgres, EmbeddedRedis
from bot.processes import running_pid

#: What Linux keeps in memory. There a database is made in a twentieth of the time that some disks take.
MEMORY = Path("/dev/shm")
#: Less than this, of it and of memory, is left to others: what a run writes is a tenth of it.
ROOM = 6 << 30


def write_to_memory() -> None:
    """Let temporary files of ours and of our children be in memory where there is room; TMPDIR names another place."""
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def has_room(folder: Path) -> bool:
    """Whether there is room in a folder kept in memory; programs are started from it, too."""
    try:
        found = os.statvfs(folder)
        told = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    available = re.search(r"^MemAvailable: +(\d+) kB$", told, re.MULTILINE)
    if found.f_flag & os.ST_NOEXEC or not os.access(folder, os.W_OK) or available is None:
        return False
    return min(found.f_bavail * found.f_frsize, int(available[1]) << 10) >= ROOM


@contextmanager
def start_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL that need not survive a power cut, unless TEST_DATABASE_URL names a server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    forget_killed_runs(folder.parent)
    server = EmbeddedPostgres(folder, durable=False)
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def start_redis(folder: Path) -> Iterator[str]:
    """Start a Redis, unless TEST_REDIS_URL names a server."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    server = EmbeddedRedis(folder)
    try:
        yield server.start()
    finally:
        server.stop()


def forget_killed_runs(ours: Path) -> None:
    """Remove the folders of test runs that were killed: about 60 MB each."""
    for other in ours.parent.glob("threadbook-tests-*"):
        record = other / "postgres" / "server.json"
        if other != ours and record.exists() and running_pid(record) is None:
            shutil.rmtree(other, ignore_errors=True)
