"""Numbers of an overview held against what they should be (D-02, D-05)."""

from __future__ import annotations

from gateway.core.matching import LayerName
from gateway.core.overview import Grade, Target
from gateway.core.value import value
from gateway.learning.intervals import Rate, wilson
from gateway.learning.layer_report import CAPTURE
from gateway.learning.targets import Bar
from gateway.state.minute import LayerSums, RoutingSums

NO_LAYER = LayerSums()


@value
class OverviewBars:
    """What the numbers of all decisions should be; `decision_s` is a mean time in seconds."""

    accuracy: Bar
    keyword: Bar
    similarity: Bar
    decision_s: Bar
    corrections: Bar
    clarifications: Bar
    misroutings: Bar

    def share_of(self, layer: str) -> Bar | None:
        """Return the share of all decisions that a layer should make; None for any share."""
        own = {LayerName.KEYWORD: self.keyword, LayerName.SIMILARITY: self.similarity}
        for name, (target, alarm) in CAPTURE.items():
            if name == layer:
                return own.get(name) or Bar(layer, target, alarm)
        return None


def graded(bar: Bar | None, total: float, of: int) -> Grade:
    """Grade the mean of `of` values within 0..1 whose sum is `total`, as `ensemble analyze` does.

    It is BAD only when its whole interval of 95% is beyond the alarm: a few cases prove nothing.
    """
    if bar is None or not of:
        return Grade.UNKNOWN
    if not bar.misses(total / of):
        return Grade.GOOD
    interval = wilson(total, of)
    surely = bar.alarms(interval.high if bar.least else interval.low)
    return Grade.BAD if surely else Grade.WARN


def targets_of(sums: RoutingSums, bars: OverviewBars) -> tuple[Target, ...]:
    """Hold the decisions of a window against their targets."""
    chosen = sums.decisions
    keyword, similarity = (
        sums.layers.get(name, NO_LAYER) for name in (LayerName.KEYWORD, LayerName.SIMILARITY)
    )
    return (
        _share(bars.accuracy, sums.right, sums.known),
        _share(bars.keyword, keyword.captured, chosen if keyword.asked else 0),
        _share(bars.similarity, similarity.captured, chosen if similarity.asked else 0),
        _mean_time(bars.decision_s, sums.elapsed_s, chosen),
        _share(bars.corrections, sums.corrected, sums.reported),
        _share(bars.clarifications, sums.clarified, chosen),
        _share(bars.misroutings, sums.misrouted, sums.known),
    )


def _share(bar: Bar, count: int, of: int) -> Target:
    wanted = _wanted(bar, f"{bar.target:.0%}", f"{bar.alarm:.0%}")
    return Target(bar.name, str(Rate(count, of)), wanted, graded(bar, count, of))


def _mean_time(bar: Bar, total_s: float, of: int) -> Target:
    wanted = _wanted(bar, f"{bar.target * 1000:g} ms", f"{bar.alarm * 1000:g} ms")
    if not of:
        return Target(bar.name, str(Rate()), wanted, Grade.UNKNOWN)
    mean_s = total_s / of
    grade = Grade.BAD if bar.alarms(mean_s) else Grade.WARN if bar.misses(mean_s) else Grade.GOOD
    return Target(bar.name, f"{mean_s * 1000:.1f} ms of {of}", wanted, grade)


def _wanted(bar: Bar, target: str, alarm: str) -> str:
    side, beyond = ("at least", "below") if bar.least else ("at most", "above")
    return f"{side} {target}, alarm {beyond} {alarm}"
