"""What the kept traces say together."""

from __future__ import annotations

from gateway.core.sanitise import Json
from gateway.core.trace import Stage, StageStatus, Trace
from gateway.state.trace_statistics import Measure, Subject, telemetry

OK, FAILED, SKIPPED = StageStatus.OK, StageStatus.FAILED, StageStatus.SKIPPED


def stage(
    number: int, name: str, elapsed_s: float, status: StageStatus = OK, **told: Json
) -> Stage:
    return Stage(number, 0, name, status, 0.0, elapsed_s, elapsed_s, tuple(told.items()))


def trace(*stages: Stage, status: StageStatus = OK, at: float = 5.0) -> Trace:
    return Trace("t", "r", at, 1.0, status, stages)


def measures(*traces: Trace) -> dict[tuple[str, str], Measure]:
    return {(one.subject.value, one.name): one for one in telemetry(traces).measures}


def test_without_traces_every_number_is_zero() -> None:
    """T-14, T-15: never null, and there before the first use."""
    found = telemetry(())
    assert (found.requests, found.failed, found.since, found.fallback_used) == (0, 0, 0.0, 0)
    (whole,) = found.measures
    assert whole == Measure(Subject.OPERATION, "request")
    assert whole.error_rate == 0


def test_a_matcher_has_its_calls_times_confidence_and_hits() -> None:
    """T-05 ✗: nothing recorded timings, so that calls and times stayed 0."""
    found = measures(
        trace(
            stage(1, "match[keyword]", 0.002, endpoint="a", confidence=0.5),
            stage(2, "match[knn]", 0.0, SKIPPED),
        ),
        trace(stage(1, "match[keyword]", 0.004, endpoint="", confidence=0.0)),
        trace(stage(1, "match[keyword]", 0.009, FAILED, error="ValueError")),
    )
    keyword = found["matcher", "keyword"]
    assert (keyword.calls, keyword.errors) == (3, 1)
    assert keyword.latency.p50 == 0.004
    assert keyword.latency.p99 == 0.009
    assert keyword.latency.sum > 0
    assert round(keyword.mean_confidence, 3) == 0.167
    assert round(keyword.hit_rate, 3) == round(keyword.error_rate, 3) == 0.333
    assert ("matcher", "knn") not in found


def test_every_number_is_of_the_window_that_is_named() -> None:
    """T-07 ✗: lifetime counters stood beside those of the last thousand traces."""
    found = telemetry([trace(at=3.0), trace(status=FAILED, at=4.0)])
    assert found.window == "the last 2 traced requests"
    assert (found.since, found.requests, found.failed) == (3.0, 2, 1)
    assert sum(one.calls for one in found.measures if one.name == "request") == 2


def test_an_endpoint_has_its_tries_retries_tokens_and_cost() -> None:
    """Z-02 ✗: retry_count and fallback_used were never set by anybody."""
    found = telemetry(
        [
            trace(
                stage(1, "attempt[0]", 0.5, FAILED, endpoint="a", fallback=False),
                stage(2, "try", 0.2, FAILED, endpoint="a", try_number=1),
                stage(3, "try", 0.3, FAILED, endpoint="a", try_number=2),
                stage(4, "attempt[1]", 0.5, endpoint="b", fallback=True),
                stage(
                    5, "try", 0.5, endpoint="b", try_number=1,
                    prompt_tokens=7, completion_tokens=3, cost_micros=20,
                ),
            )
        ]
    )  # fmt: skip
    models = {one.name: one for one in found.measures if one.subject is Subject.MODEL}
    assert (models["a"].calls, models["a"].errors, models["a"].retries) == (2, 2, 1)
    b = models["b"]
    assert (b.prompt_tokens, b.completion_tokens, b.cost_micros, b.retries) == (7, 3, 20, 0)
    assert (b.hit_rate, b.mean_confidence) == (0.0, 0.0)
    assert found.fallback_used == 1


def test_operations_are_counted_by_kind_and_layers_of_the_cascade_are_not() -> None:
    """V-04 ✗: repeated stages overwrote each other, and nested ones were counted twice."""
    found = measures(
        trace(stage(1, "attempt[0]", 1.0), stage(2, "attempt[1]", 3.0), stage(3, "cascade[x]", 0.0))
    )
    assert found["operation", "attempt"].calls == 2
    assert found["operation", "attempt"].latency.mean == 2.0
    assert ("operation", "cascade") not in found
