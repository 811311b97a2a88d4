"""The stages of a trace as a waterfall: each in its place in the tree, with bars in its time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from gateway.core.sanitise import Json
from gateway.core.trace import Stage, StageStatus, Trace
from gateway.core.value import value

WIDTH = 1000.0
"""Units of the drawing from the beginning of the request to its end."""

LEAST_S = 1e-9
"""A trace is drawn as if it had taken at least this."""

LEAST = 2.0
"""So that a stage of no time can be seen."""

MAX_DEPTH = 8
"""Deeper stages stand as deep as this."""

MAX_CHARS = 4000
"""Of one attribute on the page."""

TOLD_FIRST = ("endpoint", "matcher", "outcome", "error", "why", "message")
"""Attributes that say in short what a stage did, in this order."""

MAX_GIST = 140
NOTHING: tuple[Json, ...] = (None, "", [], {})

Bar = tuple[float, float]
"""Where a bar begins, and its width, in units of the drawing."""


@value
class WaterfallRow:
    """One stage. `bar`: its time; `own`: the parts of it in which no stage inside of it ran."""

    stage: Stage
    depth: int
    bar: Bar
    own: tuple[Bar, ...]
    gist: str
    attributes: tuple[tuple[str, str], ...]

    @property
    def ended_well(self) -> bool:
        """False when the stage explains why there was no answer, or may."""
        return self.stage.status in {StageStatus.OK, StageStatus.SKIPPED}


def waterfall(trace: Trace) -> tuple[WaterfallRow, ...]:
    """Lay out the stages, each below what it is part of and in the order of their beginning."""
    ends = (one.started_s + one.elapsed_s for one in trace.stages)
    scale = WIDTH / max(trace.elapsed_s, *ends, LEAST_S)
    inside = _by_parent(trace.stages)
    return tuple(_row(stage, depth, inside[stage.id], scale) for stage, depth in _walk(inside))


def _by_parent(stages: Iterable[Stage]) -> dict[int, list[Stage]]:
    """Group stages by what they are part of; one whose parent is not there is part of all."""
    ordered = sorted(stages, key=lambda one: (one.started_s, one.id))
    known = {one.id for one in ordered}
    inside: dict[int, list[Stage]] = defaultdict(list)
    for stage in ordered:
        # A parent begins first, so its id is lower; nothing else could be walked to an end.
        parent = stage.parent if stage.parent in known and stage.parent < stage.id else 0
        inside[parent].append(stage)
    return inside


def _walk(inside: dict[int, list[Stage]]) -> Iterator[tuple[Stage, int]]:
    waiting = [(stage, 0) for stage in reversed(inside[0])]
    while waiting:
        stage, depth = waiting.pop()
        yield stage, depth
        waiting += [(one, min(depth + 1, MAX_DEPTH)) for one in reversed(inside[stage.id])]


def _row(stage: Stage, depth: int, inside: list[Stage], scale: float) -> WaterfallRow:
    begin, end = stage.started_s, stage.started_s + stage.elapsed_s
    own, until = list[Bar](), begin
    for one in inside:
        if one.started_s > until:
            own.append((until, min(one.started_s, end) - until))
        until = max(until, one.started_s + one.elapsed_s)
    if end > until or not inside:
        own.append((until, end - until))
    told = tuple((name, item) for name, item in stage.attributes if item not in NOTHING)
    return WaterfallRow(
        stage,
        depth,
        _drawn((begin, end - begin), scale),
        tuple(_drawn(bar, scale) for bar in own),
        _gist(stage),
        tuple((name, _words(item)) for name, item in told),
    )


def _drawn(bar: Bar, scale: float) -> Bar:
    width = max(bar[1] * scale, LEAST)
    return round(min(bar[0] * scale, WIDTH - width), 2), round(width, 2)


def _gist(stage: Stage) -> str:
    parts = [_words(item) for name in TOLD_FIRST if (item := stage.told(name)) not in NOTHING]
    text = ", ".join(dict.fromkeys(parts))
    return text if len(text) <= MAX_GIST else f"{text[:MAX_GIST]}…"


def _words(item: Json) -> str:
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    if len(text) > MAX_CHARS:
        text = f"{text[:MAX_CHARS]}… ({len(text)} characters)"
    return text
