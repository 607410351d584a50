"""The measure of a hold: pgbench with a bare INSERT into a table that has the same constraint."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.bench_core import pgbench
from bot.bench_core.report import median

_TABLE = """
CREATE TABLE bench_bare (
    calendar_no bigint NOT NULL, during tstzrange NOT NULL,
    EXCLUDE USING gist (int8range(calendar_no, calendar_no, '[]') WITH =, during WITH &&)
)
"""
# The same walk as `Town.start`: starts that follow each other are far apart.
_FREE = r"""
\set n :n + 1
\set k ((:first + :n * :clients + :client_id) * 1000003) % :starts
\set no :k / :slots
\set from (:k % :slots) * 1800
INSERT INTO bench_bare VALUES (:no, tstzrange(to_timestamp(:from), to_timestamp(:from + 1800)));
"""
_HOT = r"""
INSERT INTO bench_bare VALUES (-1 - :first, tstzrange(to_timestamp(0), to_timestamp(1800))) ON CONFLICT DO NOTHING;
"""
#: So many half hours each calendar has, that no round may run out of them.
_SLOTS = 20_000


@dataclass
class Bare:
    """A table of its own in the measured database, filled by pgbench."""

    url: str
    calendars: int
    rounds: int = 0

    def __post_init__(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_TABLE)

    def rate(self, connections: int, seconds: float, *, hot: bool = False) -> float:
        """Return transactions per second."""
        self._empty()
        with self._script(_HOT if hot else _FREE) as script:
            return pgbench.rate_of(pgbench.run(self.url, [script], connections, seconds, self._variables(connections)))

    def milliseconds(self, seconds: float) -> float:
        """Return the median of one INSERT at one connection."""
        self._empty()
        with tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder, self._script(_FREE) as script:
            more = ("--log", f"--log-prefix={folder}/log")
            pgbench.run(self.url, [script], 1, seconds, self._variables(1), *more)
            lines = [line.split() for path in Path(folder).glob("log*") for line in path.read_text().splitlines()]
        return median([int(line[2]) / 1000 for line in lines])

    def _empty(self) -> None:
        """Forget what earlier rounds have taken."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("TRUNCATE bench_bare")

    @contextmanager
    def _script(self, text: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(text)
            file.flush()
            yield Path(file.name)

    def _variables(self, connections: int) -> dict[str, int]:
        self.rounds += 1
        return {
            "n": 0,
            "first": self.rounds,
            "clients": connections,
            "slots": _SLOTS,
            "starts": self.calendars * _SLOTS,
        }
