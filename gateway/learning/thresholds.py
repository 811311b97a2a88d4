"""Better thresholds for the layers that learned, from what came of decisions (U-05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from gateway.core.feedback import Reviewed
from gateway.core.matching import LayerName, ThresholdSet
from gateway.core.value import value
from gateway.learning.evidence import Evidence, evidence_of, runs_of
from gateway.learning.labels import label_of

TUNED = (LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN, LayerName.HEAD)
"""The layers that have a threshold to tune, in the order of the cascade; never clarification."""

TARGETS = tuple(zip(TUNED, (0.80, 0.88, 0.92, 0.96), strict=True))
"""Accuracy that each layer's decisions should have (L-01)."""

GRID = 0.01
"""Distance of the thresholds that are tried."""

EXACT = 1e-9
"""Distances are compared with this tolerance, as 0.85 - 0.80 is a little less than 0.05."""


@value
class TunerSettings:
    """How the tuner works.

    `step`: largest change of a threshold. `min_samples`: known outcomes that a layer needs, and
    `min_near` those within a step of its threshold. `dead_band`: smaller distances are left as they
    are. `lowest` and `highest`: bounds of each threshold. `accuracy_targets`: share of a layer's
    decisions that should be right.
    """

    step: float = 0.05
    min_samples: int = 100
    min_near: int = 20
    dead_band: float = 0.02
    lowest: float = 0.5
    highest: float = 0.95
    accuracy_targets: tuple[tuple[LayerName, float], ...] = TARGETS

    def target(self, layer: LayerName) -> float:
        """Return the accuracy that decisions of a layer should have; 1 for one without any."""
        return dict(self.accuracy_targets).get(layer, 1.0)


DEFAULT_TUNER = TunerSettings()


class Move(StrEnum):
    """What the tuner does with a threshold. UNDECIDED: too little is known to move it."""

    LOWERED = "lowered"
    RAISED = "raised"
    KEPT = "kept"
    UNDECIDED = "undecided"


@value
class OperatingPoint:
    """What a layer would do at a threshold.

    `precision`: share of its proposals that are right, None when no outcome is known; `bound`: its
    lower bound, Wilson 95%, and `ceiling` its upper one. `own_ceiling`: the upper bound among the
    requests that really reached the layer. `coverage`: share of the requests it
    runs for that it decides.
    `latency_s`: expected time from here to the end of the cascade, None when it never ran.
    """

    threshold: float
    precision: float | None
    bound: float
    ceiling: float
    own_ceiling: float
    coverage: float
    latency_s: float | None

    def reaches(self, target: float) -> bool:
        """Say whether decisions are accurate enough, and those that it really makes may be."""
        return self.bound >= target and self.own_ceiling >= target


@value
class LayerTuning:
    """What is proposed for one layer, and why.

    `optimum`: the lowest threshold at which the layer is known to reach its target, None when there
    is none.
    `labelled`: its proposals of known outcome; `near`: those within a step of the threshold.
    """

    layer: LayerName
    move: Move
    current: OperatingPoint
    proposed: OperatingPoint
    optimum: OperatingPoint | None
    labelled: int
    near: int
    reason: str


@value
class Tuning:
    """Proposed thresholds. Nothing changes until somebody applies them.

    `thresholds` has the next version; when nothing changes it is the present set.
    """

    thresholds: ThresholdSet
    layers: tuple[LayerTuning, ...]
    changed: bool
    words: str


def propose(
    rows: Sequence[Reviewed], current: ThresholdSet, settings: TunerSettings = DEFAULT_TUNER
) -> Tuning:
    """Move each threshold by at most a step toward the lowest that is accurate enough.

    Pass decisions without reports too: they say how often a layer is that confident. The order of
    rows does not matter. Layers that have no threshold in `current` are not tuned.
    """
    runs = runs_of((row, label_of(row)) for row in rows)
    present = dict(current.thresholds)
    found = {
        layer: evidence_of(runs[layer], present[layer], settings.step)
        for layer in TUNED
        if layer in present
    }
    rest = _rest(found, present)
    layers = tuple(
        _tune(layer, evidence, present[layer], rest[layer], settings)
        for layer, evidence in found.items()
    )
    moved = {one.layer: one.proposed.threshold for one in layers}
    thresholds = tuple((name, moved.get(name, now)) for name, now in current.thresholds)
    changes = [
        f"{one.layer} {one.current.threshold:.2f} to {one.proposed.threshold:.2f}"
        for one in layers
        if one.proposed.threshold != one.current.threshold
    ]
    if not changes:
        return Tuning(current, layers, changed=False, words="nothing is to be changed")
    proposed = replace(current, version=current.version + 1, thresholds=thresholds)
    return Tuning(proposed, layers, changed=True, words="change " + ", ".join(changes))


def operating_points(
    evidence: Evidence, rest_s: float, settings: TunerSettings
) -> tuple[OperatingPoint, ...]:
    """Say what a layer would do at each threshold that may be chosen, lowest first."""
    steps = int((settings.highest - settings.lowest) / GRID + EXACT)
    grid = (round(settings.lowest + GRID * step, 4) for step in range(steps + 1))
    return tuple(_point(evidence, threshold, rest_s) for threshold in grid)


def _point(evidence: Evidence, threshold: float, rest_s: float) -> OperatingPoint:
    known = evidence.known.interval(threshold)
    coverage, elapsed = evidence.coverage(threshold), evidence.elapsed_s
    return OperatingPoint(
        threshold=threshold,
        precision=evidence.known.precision(threshold),
        bound=known.low,
        ceiling=known.high,
        own_ceiling=evidence.own.interval(threshold).high,
        coverage=coverage,
        latency_s=None if elapsed is None else elapsed + (1 - coverage) * rest_s,
    )


def _rest(
    found: dict[LayerName, Evidence], present: Mapping[LayerName, float]
) -> dict[LayerName, float]:
    """Return the expected seconds after each layer declines; layers that never run take none."""
    rest, after = 0.0, dict[LayerName, float]()
    for layer in reversed(found):
        after[layer] = rest
        evidence = found[layer]
        if evidence.elapsed_s is not None:
            rest = evidence.elapsed_s + (1 - evidence.coverage(present[layer])) * rest
    return after


def _tune(
    layer: LayerName, evidence: Evidence, now: float, rest_s: float, settings: TunerSettings
) -> LayerTuning:
    target = settings.target(layer)
    points = operating_points(evidence, rest_s, settings)
    current = _point(evidence, now, rest_s)
    allowed = (point for point in points if point.threshold >= evidence.floor - EXACT)
    optimum = next((point for point in allowed if point.reaches(target)), None)
    labelled = len(evidence.known.confidences)
    near = evidence.known.near(now, settings.step)
    lacks = _lacks(labelled, near, now, settings)
    if lacks:
        move, aim, reason = Move.UNDECIDED, now, lacks
    elif optimum is not None:
        move, aim, reason = _toward(optimum, now, target, settings)
    else:
        move, aim, reason = _away(current, target, settings)
    step = min(max(aim - now, -settings.step), settings.step)
    bounded = min(max(now + step, settings.lowest), settings.highest)
    after = now if aim == now else round(bounded, 4)
    proposed = current if after == now else _point(evidence, after, rest_s)
    return LayerTuning(layer, move, current, proposed, optimum, labelled, near, reason)


def _lacks(labelled: int, near: int, now: float, settings: TunerSettings) -> str:
    if labelled < settings.min_samples:
        return (
            f"not enough known outcomes: {labelled}, {settings.min_samples - labelled} more needed"
        )
    if near < settings.min_near:
        return (
            f"not enough known outcomes within {settings.step:.2f} of {now:.2f}: {near}, "
            f"{settings.min_near - near} more needed"
        )
    return ""


def _toward(
    optimum: OperatingPoint, now: float, target: float, settings: TunerSettings
) -> tuple[Move, float, str]:
    aim = optimum.threshold
    why = (
        f"{aim:.2f} is the lowest threshold known to have a precision of {target:.2f}: "
        f"{optimum.precision:.3f}, at least {optimum.bound:.3f}"
    )
    if abs(aim - now) < settings.dead_band - EXACT:
        return Move.KEPT, now, f"{why}; {now:.2f} is close enough"
    return (Move.RAISED if aim > now else Move.LOWERED), aim, why


def _away(
    current: OperatingPoint, target: float, settings: TunerSettings
) -> tuple[Move, float, str]:
    """Decide without a threshold that is proven: raise the present one only if it is refuted."""
    now = current.threshold
    none = f"no threshold is known to have a precision of {target:.2f}"
    if current.ceiling >= target and current.own_ceiling >= target:
        return Move.UNDECIDED, now, f"{none}, and the present one may have it: more outcomes needed"
    if now >= settings.highest:
        return Move.KEPT, now, f"{none}, and there is none higher: train the layer or switch it off"
    return Move.RAISED, settings.highest, f"{none}, and the present one surely has less"
