"""A request is traced however it ends, and never fails because of that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import pytest

from gateway.core.candidate import Completion, Usage
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Request
from gateway.core.trace import Change, StageStatus, Trace
from gateway.ensemble.tracing import TraceDesk, TracingSettings
from gateway.state.traces import TraceSettings, TraceStore
from tests.fakes.ensemble import Ensemble, fails, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

ID = "0af7651916cd43dd8448eb211c80319c"
PROMPT = "def secret_plan():\n    return "


class Desk:
    """A desk whose state is read from `states`, one after the other."""

    def __init__(self, clock: VirtualClock, *states: Mapping[str, str], **settings: object) -> None:
        self.store = TraceStore(TraceSettings(), clock)
        readings = iter(states)
        self.desk = TraceDesk(
            TracingSettings(**settings),  # type: ignore[arg-type]
            self.store,
            lambda _: next(readings, {}),
            clock,
            lambda: 1_790_000_000.0,
            lambda: 0.5,
        )

    async def ask(self, ensemble: Ensemble, request: Request | None = None) -> Exchange:
        exchange = ensemble.exchange(request or make_request(PROMPT))
        exchange.trace = self.desk.begin(ID)
        await self.desk.traced(exchange, ensemble.client.handle)
        return exchange

    def only(self) -> Trace:
        (trace,) = self.store.every()
        return trace


async def takes(clock: VirtualClock, seconds: float) -> Completion:
    await asyncio.sleep(seconds)
    return Completion("x", usage=Usage(1, 2))


def test_an_answer_leaves_its_trace() -> None:
    clock = VirtualClock()
    desk = Desk(clock, {"experience.version": "3", "a": "1"}, {"a": "2"})
    run_virtual(clock, desk.ask(Ensemble(clock, {"a": fails(), "b": says("y")})))
    trace = desk.only()
    assert (trace.trace_id, trace.endpoint, trace.status) == (ID, "b", StageStatus.OK)
    assert (trace.at, trace.experience_version, trace.rule) == (
        1_790_000_000.0, 3, "fast_match",
    )  # fmt: skip
    assert Change("a", "1", "2") in trace.changes
    failed = [stage for stage in trace.stages if stage.status is StageStatus.FAILED]
    assert [(one.name, one.told("endpoint")) for one in failed] == [
        ("attempt[0]", "a"),
        ("try", "a"),
    ]
    assert [one.told("fallback") for one in trace.stages if one.kind == "attempt"] == [False, True]


def test_times_are_of_a_monotonic_clock_and_add_up() -> None:
    """T-06, V-04 ✗: totals were sums or maxima of parts, in wall-clock time."""
    clock = VirtualClock()
    desk = Desk(clock)
    run_virtual(clock, desk.ask(Ensemble(clock, {"a": lambda _: takes(clock, 2.0)})))
    trace = desk.only()
    tried = next(stage for stage in trace.stages if stage.name == "try")
    assert trace.elapsed_s == tried.elapsed_s == tried.self_s == 2.0
    assert sum(stage.self_s for stage in trace.stages) == 2.0


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (
            Fault(Kind.CANCELLED, Origin.CALLER, Reason.CALLER_CANCELLED, "left"),
            StageStatus.CANCELLED,
            Reason.CALLER_CANCELLED,
        ),
        (asyncio.CancelledError(), StageStatus.CANCELLED, Reason.CALLER_CANCELLED),
        (ValueError("quotes a prompt"), StageStatus.FAILED, Reason.INTERNAL_ERROR),
    ],
)
async def test_whatever_ends_a_request_its_trace_is_kept(
    error: BaseException, status: StageStatus, reason: Reason
) -> None:
    """V-05 ✗: the error path returned an empty list of stages."""
    clock = VirtualClock()
    desk, ensemble = Desk(clock), Ensemble(clock, {"a": says("x")})
    exchange = ensemble.exchange(make_request(PROMPT))
    exchange.trace = desk.desk.begin(ID)

    async def breaks(_: Exchange) -> None:
        raise error

    with pytest.raises(type(error)):
        await desk.desk.traced(exchange, breaks)  # type: ignore[arg-type]
    trace = desk.only()
    assert trace.status is status
    assert trace.failure is not None
    assert trace.failure.reason == reason
    assert "quotes" not in repr(trace)
    assert trace.endpoint == ""


def test_a_trace_that_cannot_be_made_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    desk = Desk(clock, {"experience.version": "no number"})
    with caplog.at_level(logging.ERROR):
        run_virtual(clock, desk.ask(Ensemble(clock, {"a": says("y")})))
    assert desk.store.every() == ()
    assert desk.store.counts().running == 0
    assert [one.getMessage() for one in caplog.records] == ["a trace was lost"]


def test_a_slow_request_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """T-05 ✗: the slow log never fired. T-12 ✗: prompts were logged."""
    clock = VirtualClock()
    desk = Desk(clock)
    with caplog.at_level(logging.WARNING):
        run_virtual(clock, desk.ask(Ensemble(clock, {"a": lambda _: takes(clock, 0.2)})))
        run_virtual(clock, desk.ask(Ensemble(clock, {"a": lambda _: takes(clock, 0.05)})))
    (record,) = caplog.records
    assert record.getMessage() == "slow request"
    told = vars(record)
    assert (told["elapsed_ms"], told["endpoint"]) == (200.0, "a")
    assert next(iter(told["slowest"].values())) == 200.0
    assert "secret_plan" not in repr(told)


def test_a_share_of_the_requests_is_sampled() -> None:
    clock = VirtualClock()
    assert Desk(clock, share=0.6).desk.samples()
    assert not Desk(clock, share=0.4).desk.samples()
    assert not Desk(clock).desk.samples()


def test_only_an_exchange_with_a_recorder_can_be_watched() -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="recorder"):
        Desk(clock).desk.watch(Ensemble(clock, {"a": says("x")}).exchange(make_request()))


def test_traces_without_a_session_share_nothing() -> None:
    """V-07 ✗: traced calls without a session shared one, and with it their state."""
    clock = VirtualClock()
    desk, ensemble = Desk(clock), Ensemble(clock, {"a": says("y")})
    first = run_virtual(clock, desk.ask(ensemble))
    second = run_virtual(clock, desk.ask(ensemble))
    assert first.trace is not second.trace
    assert first.request.session_id == second.request.session_id == ""
    one, other = desk.store.every()
    assert [stage.id for stage in one.stages] == [stage.id for stage in other.stages]


def test_a_race_has_its_attempts_side_by_side() -> None:
    clock = VirtualClock()
    desk = Desk(clock)
    slow = {"a": lambda _: takes(clock, 1.0), "b": lambda _: takes(clock, 3.0)}
    run_virtual(clock, desk.ask(Ensemble(clock, slow), make_request(n=2)))
    trace = desk.only()
    attempts = [stage for stage in trace.stages if stage.kind == "attempt"]
    assert [stage.elapsed_s for stage in attempts] == [1.0, 3.0]
    assert trace.elapsed_s == 3.0
    assert (
        next(stage for stage in trace.stages if stage.name == "aggregate").told("candidates") == 2
    )


def test_every_caller_of_this_machine_may_ask_for_traces() -> None:
    Desk(VirtualClock()).desk.permit("", local=True)
    Desk(VirtualClock(), allow_remote=True).desk.permit("x", local=False)


@pytest.mark.parametrize(
    ("tenant", "local", "words"),
    [("a", False, "trace.allow_remote = true"), ("b", True, "trace.tenants")],
)
def test_others_may_where_the_configuration_says_so(tenant: str, local: bool, words: str) -> None:
    """V-12, V-13: who may ask for traces is configured, and a refusal names the field."""
    desk = Desk(VirtualClock(), tenants=frozenset({"a"})).desk
    desk.permit("a", local=True)
    with pytest.raises(Fault, match=words) as caught:
        desk.permit(tenant, local=local)
    assert (caught.value.kind, caught.value.reason) == (Kind.DENIED, Reason.TRACING_DENIED)


def test_a_tenant_has_so_many_requests_traced_and_no_more() -> None:
    """V-12: rate limited, and the refusal says how long to wait."""
    clock = VirtualClock()
    desk = Desk(clock, per_s=0.5, burst=2).desk
    desk.permit("a", local=True)
    desk.permit("a", local=True)
    with pytest.raises(Fault, match=r"0.5 requests a second.*raise trace.per_s") as caught:
        desk.permit("a", local=True)
    fault = caught.value
    assert (fault.kind, fault.reason) == (Kind.EXHAUSTED, Reason.TRACING_LIMITED)
    assert fault.retry_after_s == 2.0
    desk.permit("b", local=True)
    clock.now += 2
    desk.permit("a", local=True)


class Looks(Exchange):
    """Counts how often the request is asked whether it is traced."""

    seen = 0

    def __getattribute__(self, name: str) -> object:
        if name == "trace":
            type(self).seen += 1
        return super().__getattribute__(name)


def test_a_request_that_is_not_traced_is_looked_at_once_a_stage() -> None:
    """V-10, N-11: the disabled path is at most one look at an attribute for each stage."""
    clock = VirtualClock()
    ensemble = Ensemble(clock, {"a": says("y")})
    plain = ensemble.exchange(make_request(PROMPT))
    exchange = Looks(plain.request, plain.deadline)
    Looks.seen = 0
    run_virtual(clock, ensemble.client.handle(exchange))
    assert exchange.candidates
    stages = ("spec_analysis", "route", "attempt", "try", "validate", "score", "aggregate")
    assert Looks.seen <= len(stages)
