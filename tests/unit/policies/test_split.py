from __future__ import annotations

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.core.snapshot import Snapshot
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.judge import SCORERS
from gateway.ensemble.settings import EnsembleSettings
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.observe import observe
from gateway.policies.split import split
from gateway.policies.timeout import TimeoutSettings, timeout
from gateway.routing.router import ModelRouter
from gateway.state.expectations import Expected
from gateway.state.fleet import Fleet
from tests.fakes.ensemble import guarded
from tests.fakes.slow import HANG, Recorder, Speeds, takes
from tests.fakes.values import make_invocation, make_request, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

A, B, C = (Endpoint(name, timeout_s=60.0) for name in "abc")


class Seen:
    """What the call under the policy was given, in seconds from the start; `fault` ends it."""

    def __init__(self, left, *, ahead=(), speeds=None, streamed=False, partial="", end=None):
        clock = VirtualClock()
        self.start = clock.now
        self.invocation = make_invocation(A, deadline_at=clock.now + left)
        self.invocation.ahead = ahead
        if partial:
            self.invocation.task = _with_partial(self.invocation.task, partial)
        if streamed:
            self.invocation.send = _forget
        self.deadline: float | None = None
        self.first_by: float | None = None
        whole = self.invocation.deadline

        async def call(invocation: Invocation) -> Completion:
            self.deadline = invocation.deadline.at - self.start
            self.first_by = invocation.first_by - self.start
            if end is not None:
                clock.now += end[0]
                raise end[1]
            return Completion("")

        self.fault: Fault | None = None
        try:
            run_virtual(clock, split(speeds or Speeds(), clock)(call)(self.invocation))
        except Fault as fault:
            self.fault = fault
        assert self.invocation.deadline is whole
        assert self.invocation.first_by > 1e300


def _with_partial(task, partial: str):
    return type(task)(task.request, task.endpoint, task.sampling, partial=partial)


async def _forget(_: str) -> None:
    pass


def test_what_has_nobody_after_it_gets_everything() -> None:
    assert Seen(30.0).deadline == 30.0
    assert Seen(90.0, streamed=True).first_by > 1e300


def test_time_is_parted_equally_while_nothing_is_known() -> None:
    assert Seen(30.0, ahead=(B, C)).deadline == 10.0


def test_the_ones_ahead_are_left_what_nearly_all_of_their_answers_take() -> None:
    speeds = Speeds({"b": 2.0, "c": 1.0}, late={"b": 5.0, "c": 4.0})
    assert Seen(30.0, ahead=(B, C), speeds=speeds).deadline == 21.0


def test_where_the_late_answers_are_not_known_it_is_twice_the_usual_time() -> None:
    assert Seen(30.0, ahead=(B, C), speeds=Speeds({"b": 2.0, "c": 3.0})).deadline == 20.0
    assert Seen(30.0, ahead=(B, C), speeds=Speeds({"b": 2.0})).deadline == 16.0


def test_a_fast_fallback_is_left_a_tenth_of_the_time_all_the_same() -> None:
    """With its median alone, 3 ms, half of the callers behind a hung primary came too late."""
    speeds = Speeds({"b": 0.003}, late={"b": 0.004})
    assert Seen(1.0, ahead=(B,), speeds=speeds).deadline == pytest.approx(0.9)


def test_it_is_never_less_than_an_equal_part() -> None:
    speeds = Speeds({"b": 20.0, "c": 20.0}, {"b": 9.0})
    assert Seen(30.0, ahead=(B, C), speeds=speeds).deadline == 10.0


def test_an_endpoint_ahead_that_cannot_finish_is_left_nothing() -> None:
    speeds = Speeds({"b": 40.0, "c": 40.0}, {"b": 31.0, "c": 31.0})
    assert Seen(30.0, ahead=(B, C), speeds=speeds).deadline == 30.0
    speeds = Speeds({"b": 40.0}, {"b": 31.0})
    assert Seen(30.0, ahead=(B, C), speeds=speeds).deadline == 15.0
    # Slow as a rule, but its fastest answers are unknown, or fast enough.
    assert Seen(30.0, ahead=(B, C), speeds=Speeds({"b": 40.0})).deadline == 10.0


def test_a_streamed_call_has_to_begin_within_its_share_and_may_flow_to_the_end() -> None:
    seen = Seen(30.0, ahead=(B, C), streamed=True)
    assert (seen.deadline, seen.first_by) == (30.0, 10.0)


def test_an_endpoint_that_cannot_finish_in_time_is_not_called_and_the_answer_says_so() -> None:
    seen = Seen(0.12, speeds=Speeds(least={"a": 0.3}))
    assert seen.deadline is None
    assert seen.fault is not None
    assert (seen.fault.kind, seen.fault.reason) == (Kind.DEADLINE, Reason.TOO_LITTLE_TIME)
    words = "endpoint 'a': 0.12 s are left, its fastest recent answers took 0.30 s"
    assert seen.fault.message == words
    (attempt,) = seen.invocation.attempts
    assert (attempt.status, attempt.detail) == (AttemptStatus.SKIPPED, words)


def test_text_already_sent_makes_the_rest_shorter_so_it_is_tried() -> None:
    seen = Seen(0.125, speeds=Speeds(least={"a": 0.3}), partial="def ")
    assert (seen.fault, seen.deadline) == (None, 0.125)


def test_nobody_is_asked_for_the_fastest_answers_while_time_is_plenty() -> None:
    class Asked(Speeds):
        def expected(self, endpoint: str, now: float) -> Expected:
            raise AssertionError

    assert Seen(60.0, speeds=Asked()).deadline == 60.0


def test_nothing_is_called_after_the_deadline() -> None:
    seen = Seen(0.0, ahead=(B,))
    assert seen.deadline is None
    assert seen.fault is not None
    assert (seen.fault.kind, seen.fault.reason) == (Kind.DEADLINE, Reason.DEADLINE_EXCEEDED)
    assert seen.invocation.attempts[0].status is AttemptStatus.SKIPPED


OVER = Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, "the time was over")


def test_a_share_that_is_over_is_not_the_deadline_so_the_walk_goes_on() -> None:
    """Layers below find their time over and cannot know that more is left for others."""
    seen = Seen(30.0, ahead=(B, C), end=(10.0, OVER))
    assert seen.fault is not None
    assert (seen.fault.reason, seen.fault.origin) == (Reason.TOO_LITTLE_TIME, Origin.US)
    assert seen.fault.message == "endpoint 'a': its share of the time left, 10.00 s, was over"
    assert Seen(30.0, ahead=(B, C), end=(30.0, OVER)).fault is OVER
    # A stream may flow beyond its share: its time can only be over for another reason.
    assert Seen(30.0, ahead=(B, C), streamed=True, end=(10.0, OVER)).fault is OVER
    other = unavailable()
    assert Seen(30.0, ahead=(B, C), end=(1.0, other)).fault is other


def rungs(calls, *, stream=False, seconds=30.0, known=()):
    """Ask a chain of endpoints as the gateway does, each behind split and timeout."""
    clock = VirtualClock()
    fleet = Fleet(calls, clock)
    for name, took in known:
        for _ in range(20):
            fleet.started(name)
            fleet.ended(name, Outcome.SUCCESS, took)
    stack = [
        split(fleet, clock),
        observe(fleet, clock),
        timeout(TimeoutSettings(between_s=10.0), clock, fleet),
    ]
    endpoints = tuple(
        Endpoint(name, priority=place, timeout_s=60.0) for place, name in enumerate(calls)
    )
    client = EnsembleClient(
        ModelRouter(Snapshot.of(endpoints)),
        {name: guarded(call, stack) for name, call in calls.items()},
        settings=EnsembleSettings(),
        scorer=SCORERS["default"],
        judgements=fleet,
        clock=clock,
        guards=(deadline(DeadlineSettings(0.0), clock),),
    )
    started = clock.now

    async def emit(_: object) -> None:
        pass

    exchange = Exchange(make_request(), Deadline(clock.now + seconds), emit if stream else None)
    try:
        result = run_virtual(clock, client.handle(exchange))
    except Fault as fault:
        result = fault
    return result, clock.now - started, exchange, fleet


@pytest.mark.parametrize("stream", [False, True])
def test_a_hung_primary_leaves_its_fallbacks_the_time_to_answer(stream) -> None:
    """Regression of Reflexio PR #176: each rung had the whole timeout, so none was reached."""
    calls = {"a": takes(HANG), "b": takes(HANG), "c": takes(3.0, "x = 1\n")}
    defective = [min(60.0, 30.0) for _ in calls]
    assert sum(defective[:2]) > 30.0
    answer, took, exchange, fleet = rungs(calls, stream=stream)
    assert answer.chosen.endpoint == "c"
    assert took == pytest.approx(10.0 + 10.0 + 3.0)
    assert [attempt.status for attempt in exchange.attempts] == [
        AttemptStatus.TIMEOUT,
        AttemptStatus.TIMEOUT,
        AttemptStatus.OK,
    ]
    assert [one.lifetime.failures for one in fleet.read().endpoints] == [1, 1, 0]


def test_a_primary_cut_short_of_its_usual_time_is_not_blamed() -> None:
    calls = {"a": takes(HANG), "b": takes(3.0, "y"), "c": takes(3.0, "z")}
    known = (("a", 12.0), ("b", 2.0), ("c", 20.0))
    answer, took, exchange, fleet = rungs(calls, known=known)
    # Left for b and c: 2 + 20 s, so that a gets its equal part, 10 s.
    assert answer.chosen.endpoint == "b"
    assert took == pytest.approx(13.0)
    assert exchange.attempts[0].reason is Reason.TOO_LITTLE_TIME
    assert fleet.read().endpoints[0].lifetime.failures == 0
    assert fleet.read().endpoints[0].lifetime.not_counted == 1


def test_a_slow_primary_is_passed_over_for_a_fast_fallback() -> None:
    primary = scripted(Completion("never"))
    answer, took, exchange, fleet = rungs(
        {"a": primary, "b": takes(0.2, "y")}, seconds=0.5, known=(("a", 5.0), ("b", 0.2))
    )
    assert answer.chosen.endpoint == "b"
    assert took == pytest.approx(0.2)
    assert primary.calls == 0
    assert exchange.attempts[0].status is AttemptStatus.SKIPPED
    assert fleet.read().endpoints[0].lifetime.attempts == 20


def test_when_nothing_fits_into_the_time_the_caller_is_told_so_at_once() -> None:
    calls = {"a": scripted(Completion("never")), "b": scripted(Completion("never"))}
    fault, took, exchange, _ = rungs(calls, seconds=0.5, known=(("a", 5.0), ("b", 6.0)))
    assert (fault.kind, fault.reason) == (Kind.DEADLINE, Reason.TOO_LITTLE_TIME)
    assert took == 0.0
    assert [attempt.status for attempt in exchange.attempts] == [AttemptStatus.SKIPPED] * 2


def test_the_call_gets_the_soonest_of_share_timeout_and_deadline() -> None:
    """The triple deadline + split + timeout."""
    seen: list[float] = []
    clock = VirtualClock()
    start = clock.now

    async def call(invocation: Invocation) -> Completion:
        seen.append(round(invocation.deadline.at - start, 6))
        return Completion("")

    for timeout_s, left, ahead in ((60.0, 90.0, ()), (60.0, 30.0, (B, C)), (5.0, 30.0, (B, C))):
        invocation = make_invocation(
            Endpoint("a", timeout_s=timeout_s), deadline_at=clock.now + left
        )
        invocation.ahead = ahead
        stack = [
            split(Speeds(), clock),
            observe(Recorder(), clock),
            timeout(TimeoutSettings(), clock, Speeds()),
        ]
        run_virtual(clock, guarded(call, stack)(invocation))
    assert seen == [60.0, 10.0, 5.0]
