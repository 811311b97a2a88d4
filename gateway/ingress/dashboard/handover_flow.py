"""The handovers of a window as a drawing: who handed over on the left, who took over on the right.

A band is as wide as it is frequent. Units are those of the drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.core.overview import Handover
from gateway.core.value import value

WIDTH = 380.0
LEFT, RIGHT = 130.0, 250.0
"""Where the bands begin and end; names stand outside."""

BAR = 5.0
GAP = 18.0
"""Between two names of one side."""

TALLEST = 190.0
"""All bands together."""

THINNEST = 1.5
MOST_BANDS = 12
MAX_NAME = 15
EDGE = 10.0


@value
class Band:
    """All handovers from one endpoint to another; `why` says for which reasons, most first."""

    source: str
    target: str
    count: int
    why: str
    path: str
    width: float


@value
class Node:
    """An endpoint at one side of the drawing."""

    name: str
    shown: str
    count: int
    top: float
    height: float

    @property
    def middle(self) -> float:
        """Where its name stands."""
        return self.top + self.height / 2


@value
class Flow:
    """The drawing. `left_out` pairs are too rare for it and stand in the table only."""

    sources: tuple[Node, ...]
    targets: tuple[Node, ...]
    bands: tuple[Band, ...]
    height: float
    left_out: int


def handover_flow(handovers: Sequence[Handover]) -> Flow:
    """Draw the most frequent pairs."""
    pairs: Counter[tuple[str, str]] = Counter()
    for one in handovers:
        if one.count > 0:
            pairs[one.source, one.target] += one.count
    shown = pairs.most_common(MOST_BANDS)
    total = sum(count for _, count in shown) or 1
    widths = {pair: max(count / total * TALLEST, THINNEST) for pair, count in shown}
    sources, source_tops = _side(shown, widths, 0)
    targets, target_tops = _side(shown, widths, 1)
    bands = tuple(
        Band(
            *pair,
            count,
            _why(handovers, pair),
            _path(source_tops[pair] + widths[pair] / 2, target_tops[pair] + widths[pair] / 2),
            round(widths[pair], 2),
        )
        for pair, count in shown
    )
    bottom = max((one.top + one.height for one in (*sources, *targets)), default=0.0)
    return Flow(sources, targets, bands, round(bottom + EDGE, 2), len(pairs) - len(shown))


def _side(
    shown: Sequence[tuple[tuple[str, str], int]], widths: dict[tuple[str, str], float], side: int
) -> tuple[tuple[Node, ...], dict[tuple[str, str], float]]:
    """Stack the endpoints of one side, and at each its bands in the order of the other side."""
    counts: Counter[str] = Counter()
    for pair, count in shown:
        counts[pair[side]] += count
    nodes, tops, top = list[Node](), dict[tuple[str, str], float](), EDGE
    for name, count in counts.most_common():
        begin = top
        for pair, _ in shown:
            if pair[side] == name:
                tops[pair] = top
                top += widths[pair]
        nodes.append(Node(name, _cut(name), count, round(begin, 2), round(top - begin, 2)))
        top += GAP
    return tuple(nodes), tops


def _path(begin: float, end: float) -> str:
    left, right, middle = LEFT + BAR, RIGHT - BAR, (LEFT + RIGHT) / 2
    return f"M{left:g} {begin:.2f}C{middle:g} {begin:.2f} {middle:g} {end:.2f} {right:g} {end:.2f}"


def _why(handovers: Sequence[Handover], pair: tuple[str, str]) -> str:
    reasons: Counter[str] = Counter()
    for one in handovers:
        if (one.source, one.target) == pair:
            reasons[one.reason] += one.count
    return ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
