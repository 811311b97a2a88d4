"""The policy that keeps calls from unhealthy and from new endpoints."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.policies.balance import balance
from gateway.policies.standing import standing
from gateway.state.load import Load, LoadSettings
from gateway.state.standing import Standing, WarmUpSettings
from tests.fakes.values import make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.unit.policies.test_balance import GROUP, REPLICAS

DONE = Completion("done")


class Port:
    def __init__(self, *, clear: bool = False, refused: tuple[Reason, str] | None = None) -> None:
        self.clear = clear
        self.refused = refused
        self.asked: list[bool] = []
        self.outcomes: list[Outcome] = []

    def refusal(self, *, last: bool) -> tuple[Reason, str] | None:
        self.asked.append(last)
        return self.refused

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def run(port: Port, call, *, last: bool = True):
    invocation = make_invocation()
    invocation.last = last

    async def main() -> Completion:
        return await standing(port)(call)(invocation)

    return run_virtual(VirtualClock(), main()), invocation


def test_a_call_of_an_endpoint_in_good_standing_passes_unasked_and_uncounted() -> None:
    port = Port(clear=True)
    assert run(port, scripted(DONE))[0] is DONE
    assert port.asked == port.outcomes == []


def test_a_refused_call_is_skipped_and_the_endpoint_is_not_called() -> None:
    port = Port(refused=(Reason.ENDPOINT_UNHEALTHY, "endpoint 'alpha': down"))
    call, invocation = scripted(DONE), make_invocation()
    with pytest.raises(Fault, match="endpoint 'alpha': down") as caught:
        run_virtual(VirtualClock(), standing(port)(call)(invocation))
    fault = caught.value
    assert (fault.kind, fault.origin, fault.reason) == (
        Kind.UNAVAILABLE,
        Origin.US,
        Reason.ENDPOINT_UNHEALTHY,
    )
    assert call.calls == 0
    (attempt,) = invocation.attempts
    assert (attempt.endpoint, attempt.status) == ("alpha", AttemptStatus.SKIPPED)
    assert port.outcomes == []


@pytest.mark.parametrize("last", [True, False])
def test_the_standing_is_told_whether_another_endpoint_would_be_tried(last: bool) -> None:
    port = Port()
    run(port, scripted(DONE), last=last)
    assert port.asked == [last]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (unavailable(), Outcome.FAILURE),
        (Fault(Kind.UNAVAILABLE, Origin.US, Reason.BREAKER_OPEN, "open"), Outcome.NOT_COUNTED),
    ],
)
def test_the_outcome_of_a_doubted_call_is_counted(fault: Fault, outcome: Outcome) -> None:
    port = Port()
    with pytest.raises(Fault):
        run(port, scripted(fault))
    assert run(port, scripted(DONE))[0] is DONE
    assert port.outcomes == [outcome, Outcome.SUCCESS]


def test_a_cancelled_call_says_nothing() -> None:
    async def gone() -> Completion:
        raise asyncio.CancelledError

    port = Port()
    with pytest.raises(asyncio.CancelledError):
        run(port, scripted(gone))
    assert port.outcomes == []


def test_a_new_replica_takes_at_most_its_share_of_a_group_and_leaves_no_trace_else() -> None:
    """The pair balance + standing: a replica that is not due is no candidate: none is skipped."""
    clock = VirtualClock()
    state = Standing("abc", WarmUpSettings(share=0.1, queries=20), ["c"])
    called: list[str] = []

    def replica(name: str):
        async def call(_: object) -> Completion:
            called.append(name)
            clock.now += 1
            return DONE

        return standing(state.of(name))(call)

    group = balance(
        {name: replica(name) for name in "abc"},
        REPLICAS,
        Load(REPLICAS, LoadSettings(), clock, lambda: 0.9),
        clock,
        is_open=lambda _: True,
        ready=state.ready,
        able=lambda _, *, last: last,
    )

    async def fill(calls: int) -> None:
        for _ in range(calls):
            invocation = make_invocation(GROUP)
            await group(invocation)
            assert invocation.attempts == []

    run_virtual(clock, fill(100))
    assert called.count("c") == 10
    run_virtual(clock, fill(200))
    assert state.of("c").clear
    assert called[200:].count("c") > 30
