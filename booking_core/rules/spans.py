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


def intersect(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Return the time that lies in both of two sorted sequences of spans; what is apart stays apart."""
    both: list[Span] = []
    at = here = 0
    while at < len(one) and here < len(other):
        start = max(one[at][0], other[here][0])
        end = min(one[at][1], other[here][1])
        if start < end:
            both.append((start, end))
        if one[at][1] < other[here][1]:
            at += 1
        else:
            here += 1
    return both


def at_least(count: int, many: Iterable[Sequence[Span]]) -> list[Span]:
    """Return the time that lies in at least `count` of the given sequences of merged spans."""
    edges = sorted(edge for spans in many for start, end in spans for edge in ((start, 1), (end, -1)))
    found: list[Span] = []
    depth, since = 0, 0
    for minute, step in edges:
        before, depth = depth, depth + step
        if before < count <= depth:
            since = minute
        elif depth < count <= before and since < minute:
            if found and found[-1][1] == since:
                found[-1] = (found[-1][0], minute)
            else:
                found.append((since, minute))
    return found


def starts_that_fit(free: Iterable[Span], first: int, last: int) -> list[Span]:
    """Return the starts from which `first` to `last` (minutes after the start) lies whole in a free span."""
    length = last - first
    return [(start - first, end - last + 1) for start, end in free if end - start >= length]
