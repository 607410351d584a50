"""Holds beside bare INSERTs, in turns: the machine may be busy, the ratio says what a hold costs."""

from dataclasses import dataclass, field

from bot.bench_core.bare import Bare
from bot.bench_core.crew import Crew, Round, crew
from bot.bench_core.holder import TAKEN
from bot.bench_core.report import Figure, median
from bot.bench_core.same import Same
from bot.bench_core.server import fresh_database, tidy
from bot.bench_core.shop import Town, build_town
from bot.bench_core.sizes import Size

_TABLES = ("booking", "allocation", "booking_audit", "bench_bare")


@dataclass
class _Measured:
    """Pairs of a bare figure and ours, in the order in which they were found."""

    free: list[tuple[float, float]] = field(default_factory=list)
    hot: list[tuple[float, float]] = field(default_factory=list)
    one: list[tuple[float, float]] = field(default_factory=list)
    #: The bare INSERT's and pgbench's, where it carries out the statements of a hold.
    same: list[tuple[float, float]] = field(default_factory=list)


def measure_holds(server: str, size: Size) -> list[Figure]:
    """Measure free starts, one hot start, and one hold alone."""
    with fresh_database(server) as url:
        town = build_town(url, shops=size.shops, staff=size.staff, days=size.days)
        bare, same = Bare(url, size.shops * size.staff), Same(url, town)
        with crew(url, town, processes=size.processes, connections=size.connections) as holders:
            tidy(url, *_TABLES)
            processes = _as_many_as_help(holders, size)
            found = _Measured()
            for number in range(size.rounds):
                _round(found, url, bare, same, holders, town, size, processes, number)
    return _figures(found, size, processes)


def _as_many_as_help(holders: Crew, size: Size) -> int:
    """Return with how many processes there are most holds a second."""
    tried = {1, size.processes // 2, size.processes} - {0}
    rates = {number: holders.round(size.connections, size.seconds, processes=number).rate for number in sorted(tried)}
    return max(rates, key=rates.__getitem__)


def _round(
    found: _Measured,
    url: str,
    bare: Bare,
    same: Same,
    holders: Crew,
    town: Town,
    size: Size,
    processes: int,
    number: int,
) -> None:
    def hold(connections: int, *, hot: int | None = None) -> Round:
        return holders.round(connections, size.seconds, processes=min(processes, connections), hot=hot)

    before = bare.rate(size.connections, size.seconds)
    free = hold(size.connections)
    if set(free.results) != {TAKEN}:
        raise RuntimeError(f"free starts were refused: {dict(free.results)}")
    found.free.append((before, free.rate))
    found.same.append((before, same.rate(size.connections, size.seconds)))
    before = bare.rate(size.connections, size.seconds, hot=True)
    # From the end: those who hold free starts never come there.
    crowd = hold(size.connections, hot=town.starts - 1 - number)
    if crowd.results[TAKEN] != 1:
        raise RuntimeError(f"one start was held {crowd.results[TAKEN]} times")
    found.hot.append((before, crowd.rate))
    found.one.append((bare.milliseconds(size.seconds), hold(1).p50))
    tidy(url, *_TABLES)


def _figures(found: _Measured, size: Size, processes: int) -> list[Figure]:
    def middle(pairs: list[tuple[float, float]], which: int) -> float:
        return median([pair[which] for pair in pairs])

    def ratio(pairs: list[tuple[float, float]]) -> float:
        return median([ours / bare for bare, ours in pairs])

    many = f"{size.connections} connections"
    return [
        Figure("holds", f"bare INSERT, free starts, {many}", middle(found.free, 0), "/s"),
        Figure("holds", f"holds, free starts, {many}, {processes} processes", middle(found.free, 1), "/s"),
        Figure("holds", "  ratio", ratio(found.free), at_least=0.15),
        Figure("holds", f"the statements of a hold by pgbench, {many}", middle(found.same, 1), "/s"),
        Figure("holds", "  ratio", ratio(found.same)),
        Figure("holds", f"bare INSERT, one hot start, {many}", middle(found.hot, 0), "/s"),
        Figure("holds", f"holds, one hot start (one wins), {many}", middle(found.hot, 1), "/s"),
        Figure("holds", "  ratio", ratio(found.hot)),
        Figure("holds", "bare INSERT, one connection, p50", middle(found.one, 0), "ms"),
        Figure("holds", "a hold, one connection, p50", middle(found.one, 1), "ms"),
        Figure("holds", "  ratio", ratio(found.one), at_most=8),
    ]
