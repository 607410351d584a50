"""Where things stand on a day's grid: five-minute rows and lanes as classes, since our pages allow no inline styles."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_core.rules.spans import Span, overlap

#: Minutes of one row of the grid.
STEP = 5
ROWS = 24 * 60 // STEP
#: What lies side by side at most; more share the last lane.
LANES = 6


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the grid: rows, and the lane beside others at the same time."""

    row: int
    rows: int
    lane: int = 0
    lanes: int = 1

    @property
    def classes(self) -> str:
        """Return the classes that put an element here."""
        lane = f" lane-{self.lane}-{self.lanes}" if self.lanes > 1 else ""
        return f"at-{self.row} for-{self.rows}{lane}"


def row_at(minute: int, opens: int) -> int:
    """Return the 0-based row of a minute of the day on a grid that begins at `opens`."""
    return min(max((minute - opens) // STEP, 0), ROWS - 1)


def rows_for(start: int, end: int, opens: int) -> int:
    """Return how many rows a span covers, one at least; what begins before the grid is cut."""
    return max(row_at(end + STEP - 1, opens) - row_at(start, opens), 1)


def lanes_for(spans: Sequence[Sequence[Span]]) -> list[tuple[int, int]]:
    """Return (lane, lanes) for each of several things: those that meet at some minute lie side by side."""
    order = sorted(range(len(spans)), key=lambda n: (spans[n][0][0], -spans[n][-1][1], n))
    placed: dict[int, int] = {}
    groups: list[list[int]] = []
    for one in order:
        meets = [group for group in groups if any(_meet(spans[one], spans[other]) for other in group)]
        group = [one, *(other for each in meets for other in each)]
        groups = [each for each in groups if each not in meets] + [group]
        busy = {placed[other] for other in group if other != one and _meet(spans[one], spans[other])}
        placed[one] = min(next(lane for lane in range(len(spans)) if lane not in busy), LANES - 1)
    wide = {one: max(placed[other] for other in group) + 1 for group in groups for one in group}
    return [(placed[one], wide[one]) for one in range(len(spans))]


def grid_css() -> str:
    """Return the classes `at-N`, `for-N` and `lane-N-M`."""
    starts = (f".at-{row}{{grid-row-start:{row + 1}}}" for row in range(ROWS))
    spans = (f".for-{rows}{{grid-row-end:span {rows}}}" for rows in range(1, ROWS + 1))
    lanes = (
        f".lane-{lane}-{lanes}{{inline-size:{100 / lanes:.3f}%;margin-inline-start:{100 * lane / lanes:.3f}%}}"
        for lanes in range(2, LANES + 1)
        for lane in range(lanes)
    )
    return "".join((*starts, *spans, *lanes))


def _meet(one: Sequence[Span], other: Sequence[Span]) -> bool:
    return any(overlap(one, *span) for span in other)
