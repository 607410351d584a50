"""Where things stand on a day's grid: five-minute rows as classes, since our pages allow no inline styles."""

#: Minutes of one row of the grid.
STEP = 5
ROWS = 24 * 60 // STEP


def row_at(minute: int, opens: int) -> int:
    """Return the 0-based row of a minute of the day on a grid that begins at `opens`."""
    return min(max((minute - opens) // STEP, 0), ROWS - 1)


def rows_for(start: int, end: int, opens: int) -> int:
    """Return how many rows a span covers, one at least; what begins before the grid is cut."""
    return max(row_at(end + STEP - 1, opens) - row_at(start, opens), 1)


def grid_css() -> str:
    """Return the classes `at-N` and `for-N`."""
    starts = (f".at-{row}{{grid-row-start:{row + 1}}}" for row in range(ROWS))
    spans = (f".for-{rows}{{grid-row-end:span {rows}}}" for rows in range(1, ROWS + 1))
    return "@media (min-width:48em){" + "".join((*starts, *spans)) + "}"
