"""How routing did in a window of time: what the dashboard and `ensemble analyze` show (D-01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway.core.feedback import Reviewed
from gateway.core.matching import ThresholdSet
from gateway.core.value import value
from gateway.learning.corrections import Correction, corrections, failed_matches
from gateway.learning.evidence import runs_of
from gateway.learning.intervals import Interval, Rate, wilson
from gateway.learning.labels import Label, label_of
from gateway.learning.layer_report import LayerReport, advice, layer_report
from gateway.learning.targets import (
    ACCURACY,
    CLARIFICATIONS,
    CORRECTIONS,
    LATENCY_S,
    MISROUTINGS,
    Grade,
    Measure,
    measured,
    timed,
)
from gateway.learning.thresholds import DEFAULT_TUNER, TUNED, TunerSettings

Labelled = tuple[Reviewed, Label]


@value
class Quality:
    """Mean quality, 0..1, of `labelled` answers and its interval; None when there is none."""

    mean: float | None
    interval: Interval
    labelled: int


@value
class EndpointReport:
    """How an endpoint did: how often it was chosen first, and how good its answers were."""

    endpoint: str
    chosen: int
    quality: Quality


@value
class TaskReport:
    """How decisions for one kind of task did; `quality` is that of the endpoints chosen."""

    task: str
    decisions: int
    accuracy: Rate
    quality: Quality


@value
class Shares:
    """The shares over all decisions of a group.

    `accuracy`: those that were right among those of which that is known. `corrected`: of those
    reported on, those whose caller named another endpoint. `clarified`: of all, those that asked
    back, which are in no other share (L-09). `misrouted`: of those known, bad answers where another
    endpoint is known to be right.
    """

    accuracy: Rate
    corrected: Rate
    clarified: Rate
    misrouted: Rate


@value
class Analysis:
    """How routing did for decisions of `since` <= at < `until`, unix seconds.

    `mean_elapsed_s`: of whole decisions, as measured, not summed up from layers (O-07); None
    without any. `measures`: the shares against their targets; `alerts`: the words of those that
    miss it. A share of nothing is unknown.
    """

    since: float
    until: float
    threshold_version: int
    decisions: int
    shares: Shares
    mean_elapsed_s: float | None
    layers: tuple[LayerReport, ...]
    endpoints: tuple[EndpointReport, ...]
    tasks: tuple[TaskReport, ...]
    measures: tuple[Measure, ...]
    alerts: tuple[str, ...]
    recommendations: tuple[str, ...]


def analyze(
    rows: Sequence[Reviewed],
    current: ThresholdSet,
    settings: TunerSettings = DEFAULT_TUNER,
    *,
    since: float,
    until: float,
) -> Analysis:
    """Sum up what is known; pass decisions without reports too, and in any order.

    Layers are graded against the accuracy targets of `settings`; those without a threshold in
    `current` are left out.
    """
    inside = [row for row in rows if since <= row.event.at < until]
    labelled = [(row, label_of(row)) for row in inside]
    shares = _shares(labelled)
    elapsed = sum(row.event.elapsed_s for row in inside) / len(inside) if inside else None
    layers = _layers(labelled, current, settings)
    measures = (
        measured(ACCURACY, shares.accuracy),
        measured(CORRECTIONS, shares.corrected),
        measured(CLARIFICATIONS, shares.clarified),
        measured(MISROUTINGS, shares.misrouted),
        timed(LATENCY_S, elapsed, len(inside)),
        *(measure for layer in layers for measure in layer.grades),
    )
    return Analysis(
        since=since,
        until=until,
        threshold_version=current.version,
        decisions=len(inside),
        shares=shares,
        mean_elapsed_s=elapsed,
        layers=layers,
        endpoints=_endpoints(labelled),
        tasks=_tasks(labelled),
        measures=measures,
        alerts=tuple(one.words for one in measures if one.grade in {Grade.BAD, Grade.WATCH}),
        recommendations=(
            *_recommendations(layers, shares.accuracy.of, settings),
            *map(_proposal, corrections(failed_matches(inside))),
        ),
    )


def _shares(labelled: Sequence[Labelled]) -> Shares:
    chosen = [(row, label) for row, label in labelled if not row.event.clarification]
    judged = [(row, label, label.judge(row.event.chosen)) for row, label in chosen]
    known = [(row, label, right) for row, label, right in judged if right is not None]
    reported = [(row, label) for row, label in chosen if row.reports]
    return Shares(
        accuracy=Rate(sum(right for _, _, right in known), len(known)),
        corrected=Rate(
            sum(label.corrected not in {"", row.event.chosen} for row, label in reported),
            len(reported),
        ),
        clarified=Rate(len(labelled) - len(chosen), len(labelled)),
        misrouted=Rate(sum(_misrouted(row, label) for row, label, _ in known), len(known)),
    )


def _misrouted(row: Reviewed, label: Label) -> bool:
    chosen = row.event.chosen
    elsewhere = label.right is not None and chosen not in label.right
    return elsewhere and label.qualities.get(chosen, label.good_at) < label.good_at


def _layers(
    labelled: Sequence[Labelled], current: ThresholdSet, settings: TunerSettings
) -> tuple[LayerReport, ...]:
    runs, present = runs_of(labelled), dict(current.thresholds)
    consulted = sum(
        any(record.attempted and not record.shadow for record in row.event.layers)
        for row, _ in labelled
    )
    return tuple(
        layer_report(layer, runs[layer], present[layer], settings.target(layer), consulted)
        for layer in TUNED
        if layer in present
    )


def _endpoints(labelled: Sequence[Labelled]) -> tuple[EndpointReport, ...]:
    chosen = Counter(row.event.chosen for row, _ in labelled if row.event.chosen)
    found: dict[str, list[float]] = {endpoint: [] for endpoint in chosen}
    for _, label in labelled:
        for endpoint, quality in label.qualities.items():
            found.setdefault(endpoint, []).append(quality)
    return tuple(
        EndpointReport(name, chosen[name], _quality(found[name])) for name in sorted(found)
    )


def _tasks(labelled: Sequence[Labelled]) -> tuple[TaskReport, ...]:
    found: dict[str, list[Labelled]] = {}
    for row, label in labelled:
        found.setdefault(row.event.task, []).append((row, label))
    return tuple(_task(task, found) for task in sorted(found))


def _task(task: str, found: Mapping[str, Sequence[Labelled]]) -> TaskReport:
    group = found[task]
    qualities = (label.qualities.get(row.event.chosen) for row, label in group)
    return TaskReport(
        task, len(group), _shares(group).accuracy, _quality(q for q in qualities if q is not None)
    )


def _quality(values: Iterable[float]) -> Quality:
    known = list(values)
    mean = sum(known) / len(known) if known else None
    return Quality(mean, wilson(sum(known), len(known)), len(known))


def _proposal(correction: Correction) -> str:
    """Propose what callers keep on correcting (X-21)."""
    return (
        f"give {correction.endpoint!r} requests of task {correction.task!r}, by a topic or a "
        f"sample: callers corrected {correction.decisions} of them to it"
    )


def _recommendations(
    layers: Sequence[LayerReport], labelled: int, settings: TunerSettings
) -> tuple[str, ...]:
    found = [advice(layer, settings.target(layer.layer)) for layer in layers]
    if labelled < settings.min_samples:
        found.append(
            f"report more outcomes: {labelled} are known, tuning needs {settings.min_samples} "
            "of each layer"
        )
    return tuple(words for words in found if words)
