"""What is the same for every protocol that requests come in by."""

from __future__ import annotations

import pytest

from gateway.core.deadline import Deadline
from gateway.core.faults import Fault, Reason
from gateway.ensemble.door import Asked, Door
from gateway.ensemble.jobs.detached import DetachedRuns
from gateway.ensemble.jobs.keeper import JobKeeper
from gateway.ensemble.tracing import TraceDesk, TracingSettings
from gateway.state.jobs import JobLimits, JobRegistry
from gateway.state.traces import TraceSettings, TraceStore
from tests.fakes.ensemble import Ensemble, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

NOW = VirtualClock()()
ID = "0af7651916cd43dd8448eb211c80319c"


def desk(clock: VirtualClock, **settings) -> TraceDesk:
    store = TraceStore(TraceSettings(), clock)
    return TraceDesk(
        TracingSettings(**settings), store, lambda _: {}, clock, lambda: 1.79e9, lambda: 0.5
    )


def door(clock: VirtualClock, traces: TraceDesk | None = None) -> Door:
    return Door(
        Ensemble(clock, {"a": says("1")}).client,
        longest_s=30.0,
        clock=clock,
        jobs=JobKeeper(JobRegistry(JobLimits(), clock, lambda: 0.0, "x"), clock),
        detached=DetachedRuns(600.0),
        traces=traces,
    )


@pytest.mark.parametrize(("left_s", "at"), [(None, 30.0), (5.0, 5.0), (99.0, 30.0), (-1.0, 0.0)])
def test_a_deadline_is_never_past_the_longest(left_s: float | None, at: float) -> None:
    assert door(VirtualClock()).deadline(left_s) == Deadline(NOW + at)


def test_a_request_is_handled() -> None:
    clock = VirtualClock()
    entry = door(clock)
    exchange = entry.begin(make_request(), entry.deadline(None))
    assert run_virtual(clock, entry.handle(exchange)).chosen.completion.text == "1"
    assert exchange.trace is None


def test_a_trace_that_is_asked_for_is_kept_under_the_callers_id() -> None:
    clock = VirtualClock()
    traces = desk(clock)
    entry = door(clock, traces)
    asked = Asked(ID, trace=True, local=True)
    exchange = entry.begin(make_request(), entry.deadline(None), asked=asked)
    run_virtual(clock, entry.handle(exchange))
    (kept,) = traces.store.every()
    assert kept.trace_id == ID


def test_a_sampled_request_is_traced_without_being_asked() -> None:
    clock = VirtualClock()
    entry = door(clock, desk(clock, share=1.0))
    exchange = entry.begin(make_request(), entry.deadline(None))
    assert exchange.trace is not None
    assert len(exchange.trace_id) == 32


@pytest.mark.parametrize(
    ("kept", "local", "reason"),
    [(False, True, Reason.TRACING_OFF), (True, False, Reason.TRACING_DENIED)],
)
def test_a_trace_that_a_caller_may_not_have_is_refused(kept, local, reason) -> None:
    clock = VirtualClock()
    entry = door(clock, desk(clock) if kept else None)
    with pytest.raises(Fault) as caught:
        entry.begin(make_request(), entry.deadline(1), asked=Asked(trace=True, local=local))
    assert caught.value.reason is reason


def test_detached_work_has_the_time_of_detached_work() -> None:
    clock = VirtualClock()
    entry = door(clock)
    exchange = entry.begin(make_request(), entry.deadline(1.0), asked=Asked(detached=True))
    assert exchange.detached
    assert exchange.deadline == Deadline(NOW + 600.0)
    assert run_virtual(clock, entry.handle(exchange)).chosen.endpoint == "a"
