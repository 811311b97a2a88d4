"""Every metric of the gateway: name, kind, unit, labels and meaning. docs/metrics.md is this table.

Names are OpenTelemetry's, without the prefix; the exporter makes `gateway_request_duration_seconds`
of `request.duration` in `s`, and puts `_total` behind a counter. Labels come from closed sets only:
what the configuration names, and words of the product.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value
from gateway.telemetry.semconv import GEN_AI_BUCKETS_S, RPC_BUCKETS_S

PREFIX = "gateway"

GENERATION_BUCKETS_S = (*GEN_AI_BUCKETS_S, 120.0, 180.0, 300.0)
CALL_BUCKETS_S = (*RPC_BUCKETS_S, 30.0, 60.0, 120.0, 300.0)
DECISION_BUCKETS_S = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05,
    0.1, 0.2, 0.5, 1.0, 5.0,
)  # fmt: skip


class MetricKind(StrEnum):
    """The kinds of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@value
class Metric:
    """One metric; `unit` is UCUM's, empty for plain numbers, `buckets` are upper bounds."""

    name: str
    kind: MetricKind
    words: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()


def _counter(name: str, words: str, *labels: str) -> Metric:
    return Metric(name, MetricKind.COUNTER, words, labels)


def _gauge(name: str, words: str, *labels: str) -> Metric:
    return Metric(name, MetricKind.GAUGE, words, labels)


def _seconds(name: str, words: str, *labels: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name, MetricKind.HISTOGRAM, words, labels, "s", buckets)


METRICS = (
    _seconds(
        "rpc.duration",
        "RPCs of every service, and requests of the OpenAI API, by their status; those refused at "
        "the door too.",
        "method", "status_code", buckets=CALL_BUCKETS_S,
    ),
    _seconds(
        "request.duration",
        "Requests that were understood, waiting in line included; of a batch each hole is one.",
        "status_code", buckets=GENERATION_BUCKETS_S,
    ),
    _counter("request.failures", "Requests without an answer, by why.", "reason"),
    _counter("chains.exhausted", "Requests for which every endpoint that may be called failed."),
    _gauge("requests.in_flight", "Requests that are worked on now."),
    _gauge("jobs.in_flight", "Jobs that run now; a batch is one, paused ones are among them."),
    _gauge("requests.queued", "Requests that wait for their turn now."),
    _counter("requests.shed", "Requests turned away at the door, by why.", "reason"),
    _counter("requests.replayed", "Requests answered by another one with the same id."),
    _counter(
        "cache.requests",
        "Requests by what the result cache did for them; all but a hit are worked "
        "on or wait for one that is.", "result",
    ),
    _counter("cache.removed", "Answers that the result cache let go of, by why.", "reason"),
    _gauge("cache.entries", "Answers that the result cache keeps now."),
    _gauge("cache.bytes", "Bytes that they take, about."),
    _seconds(
        "attempt.duration", "Calls to endpoints, by how they ended.",
        "endpoint", "outcome", buckets=GENERATION_BUCKETS_S,
    ),
    _counter(
        "attempts",
        "Attempts, by how they ended and why; `skipped` ones were never made.",
        "endpoint", "outcome", "reason",
    ),
    _counter("tokens", "Tokens as endpoints reported them.", "endpoint", "type"),
    _counter("cost", "Cost of all attempts, in the currency of the configuration.", "endpoint"),
    _counter(
        "fallbacks",
        "Times an endpoint, or a group, was left for another one; races of candidates have none.",
        "from", "to", "reason",
    ),
    _counter("retries", "Tries after the first on the same endpoint or group.", "endpoint"),
    _counter("hedges", "Second calls beside a slow one.", "endpoint"),
    _counter("hedge.wins", "Hedges that answered first.", "endpoint"),
    _gauge("endpoint.in_flight", "Calls that run at an endpoint now.", "endpoint"),
    _gauge("endpoint.waiting", "Calls that wait for a slot of an endpoint now.", "endpoint"),
    _gauge("endpoint.limit", "Calls at once that an endpoint may get now.", "endpoint"),
    _counter("endpoint.saturated", "Calls turned away because of that limit.", "endpoint"),
    _gauge("endpoint.health", "1 for what its health checks say, else 0.", "endpoint", "state"),
    _gauge("endpoint.drained", "1 while an endpoint is given no requests.", "endpoint"),
    _gauge("endpoint.ejected", "1 while it is ejected from its group.", "endpoint"),
    _gauge("breaker.state", "1 for the state of its breaker, 0 for others.", "endpoint", "state"),
    _counter("breaker.refused", "Calls that its breaker turned away.", "endpoint"),
    _counter(
        "routing.decisions",
        "Decisions about requests, by what chose the primary; parts of a refinement or a pipeline "
        "are not among them.",
        "reason", "layer",
    ),
    _seconds(
        "routing.duration", "Time of those decisions for which learned layers were asked.",
        "layer", buckets=DECISION_BUCKETS_S,
    ),
    _counter("decisions.recorded", "Decisions written to the store."),
    _counter("decisions.dropped", "Decisions that could not be written, and are lost."),
    _gauge("decisions.waiting", "Decisions that are to be written."),
    _counter("store.write_errors", "Writes that the store refused."),
    _gauge("learned.observations", "Outcomes that the learned layers know."),
    _gauge("learned.quality", "Mean quality of those answers, 0 to 1; 0.5 while none is known."),
    _gauge("thresholds.version", "Version of the thresholds in force."),
)  # fmt: skip

BY_NAME = {metric.name: metric for metric in METRICS}
