"""Half-open spans of whole minutes: sorted, apart from each other. Touching is not overlapping."""

from collections.abc import Iterable, Sequence

#: From (included) and to (excluded).
Span = tuple[int, int]


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as sorted spans that neither overlap nor touch; empty spans vanish."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def subtract(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of merged spans without other merged spans, in one pass over both."""
    left: list[Span] = []
    at = 0
    for start, end in spans:
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        cursor, here = start, at
        while here < len(taken) and taken[here][0] < end:
            if taken[here][0] > cursor:
                left.append((cursor, taken[here][0]))
            cursor = max(cursor, taken[here][1])
            here += 1
        if cursor < end:
            left.append((cursor, end))
    return left


def around(spans: Sequence[Span], start: int, end: int) -> Span | None:
    """Return the one of merged spans in which start to end lies whole, if there is one."""
    for first, last in spans:
        if first <= start and end <= last:
            return first, last
        if first > start:
            return None
    return None


def overlap(spans: Iterable[Span], start: int, end: int) -> bool:
    """Whether any of the spans takes a minute between start and end."""
    return any(first < end and start < last for first, last in spans)


def length(spans: Iterable[Span]) -> int:
    """Return how many minutes the spans last together."""
    return sum(end - start for start, end in spans)
