"""Processes that hold at the same time, led from here."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from bot.bench_core.report import median
from bot.bench_core.shop import Town


@dataclass(frozen=True)
class Round:
    """What came of a round: how many of each result, in how many seconds."""

    seconds: float
    results: Counter[str]
    ms: list[float]

    @property
    def rate(self) -> float:
        """Holds, and refusals, per second."""
        return sum(self.results.values()) / self.seconds

    @property
    def p50(self) -> float:
        """Milliseconds of the one in the middle."""
        return median(self.ms)


class Crew:
    """Holders in processes of their own."""

    def __init__(self, url: str, town: Town, *, processes: int, connections: int) -> None:
        self._children = [
            subprocess.Popen(
                [sys.executable, "-m", "bot.bench_core.holder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(processes)
        ]
        for number, child in enumerate(self._children):
            task = {
                "url": url,
                "shops": [shop.as_text() for shop in town.shops],
                "days": town.days,
                "process": number,
                "processes": processes,
                "connections": connections,
            }
            _tell(child, task)
        for child in self._children:
            _hear(child)

    def round(self, connections: int, seconds: float, *, processes: int, hot: int | None = None) -> Round:
        """Hold with so many connections in all, spread over so many processes; `hot`: all want one start."""
        taking_part = self._children[: min(processes, connections)]
        for child in taking_part:
            _tell(child, {"seconds": seconds, "connections": connections // len(taking_part), "hot": hot})
        told = [json.loads(_hear(child)) for child in taking_part]
        results: Counter[str] = Counter()
        for one in told:
            results.update(one["results"])
        return Round(max(one["seconds"] for one in told), results, [ms for one in told for ms in one["ms"]])

    def leave(self) -> None:
        """End all of them."""
        for child in self._children:
            _pipe(child.stdin).close()
        for child in self._children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            _pipe(child.stdout).close()


@contextmanager
def crew(url: str, town: Town, *, processes: int, connections: int) -> Iterator[Crew]:
    """Give a crew that leaves in the end."""
    own = Crew(url, town, processes=processes, connections=connections)
    try:
        yield own
    finally:
        own.leave()


def _tell(child: "subprocess.Popen[str]", task: dict[str, Any]) -> None:
    pipe = _pipe(child.stdin)
    pipe.write(json.dumps(task) + "\n")
    pipe.flush()


def _hear(child: "subprocess.Popen[str]") -> str:
    line = _pipe(child.stdout).readline()
    if not line:
        raise RuntimeError(f"a process of the bench ended with {child.wait()}")
    return line


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None  # noqa: S101 - it was asked for
    return pipe
