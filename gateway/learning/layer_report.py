"""How one layer of the cascade did, judged by its own proposals (U-06)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.core.value import value
from gateway.learning.evidence import Run
from gateway.learning.intervals import NO_CASE, Rate
from gateway.learning.targets import Bar, Measure, measured

MARGIN = 0.05
"""A wrong decision whose confidence is this little above the threshold tells against it (O-03)."""

MANY = 5
"""More missed opportunities or wrong decisions than this call for a change (U-06)."""

CAPTURE = {
    LayerName.KEYWORD: (0.30, 0.20),
    LayerName.SIMILARITY: (0.40, 0.30),
    LayerName.KNN: (0.15, 0.0),
    LayerName.HEAD: (0.03, 0.0),
}
"""Share of decisions that each layer should make, and from where on it alarms (L-01, D-05)."""


@value
class LayerReport:
    """What a layer did in a window.

    `attempts`: decisions for which it ran, and `shadows` the runs after a decision. `decided`: its
    decisions among those in which the cascade ran. `accuracy`: its decisions known to be right
    among those of known outcome; `proposed`: the same of all its proposals, shadow runs included.
    `mean_confidence` of its proposals, `mean_elapsed_s` of its runs; None without any. `missed`:
    the right endpoint proposed below the threshold, whatever the decision then was (O-03).
    `false_positives`: decisions for a wrong endpoint; `close`: those of them just above the
    threshold. `grades`: its accuracy and its share of decisions against their targets (D-02).
    """

    layer: LayerName
    threshold: float
    attempts: int
    shadows: int
    decided: Rate
    accuracy: Rate
    proposed: Rate
    mean_confidence: float | None
    mean_elapsed_s: float | None
    missed: int
    false_positives: int
    close: int
    grades: tuple[Measure, ...]


def layer_report(
    layer: LayerName, runs: Sequence[Run], threshold: float, target: float, consulted: int
) -> LayerReport:
    """Report on a layer; `target`: accuracy wanted, `consulted`: decisions with a cascade."""
    own = [(record, right) for record, right in runs if not record.shadow]
    decided = [one for one in own if one[0].status is LayerStatus.DECIDED]
    wrong = [record for record, right in decided if right is False]
    confidences = [record.confidence for record, _ in runs if record.endpoint]
    captured, accuracy = Rate(len(decided), consulted), _right(decided)
    wanted, alarm = CAPTURE[layer]
    return LayerReport(
        layer=layer,
        threshold=threshold,
        attempts=len(own),
        shadows=len(runs) - len(own),
        decided=captured,
        accuracy=accuracy,
        proposed=_right(runs),
        mean_confidence=_mean(confidences),
        mean_elapsed_s=_mean([record.elapsed_s for record, _ in runs]),
        missed=sum(right is True and _declined(record) for record, right in own),
        false_positives=len(wrong),
        close=sum(record.confidence - record.threshold < MARGIN for record in wrong),
        grades=(
            measured(Bar(f"accuracy of {layer}", target, target), accuracy),
            measured(Bar(f"decisions by {layer}", wanted, alarm), captured if own else NO_CASE),
        ),
    )


def advice(report: LayerReport, target: float) -> str:
    """Say what to do about a layer's threshold; empty for nothing."""
    layer, known = report.layer, report.accuracy
    if report.false_positives > MANY and known.interval.high < target:
        so = f"{layer} is right in {known} decisions, which is surely less than {target:.0%}"
        if report.close:
            return f"raise the threshold of {layer}: {so}, {report.close} just above the threshold"
        return f"train {layer} or change its topics: {so}, none just above the threshold"
    if report.missed > MANY and known.interval.low >= target:
        return (
            f"lower the threshold of {layer}: it was right {report.missed} times below it, and is "
            f"right in {known} decisions"
        )
    return ""


def _declined(record: LayerRecord) -> bool:
    return record.status is LayerStatus.DECLINED and record.confidence < record.threshold


def _right(runs: Sequence[Run]) -> Rate:
    known = [right for _, right in runs if right is not None]
    return Rate(sum(known), len(known))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
