from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.outcome import Outcome
from gateway.core.policy import not_called
from gateway.policies.breaker import breaker
from gateway.policies.eject import eject
from gateway.state.breaker import CLOSED, FORCED_OPEN, HALF_OPEN, OPEN, Breaker, BreakerSettings
from gateway.state.ejection import EjectionSettings, Ejector
from tests.fakes.values import make_invocation, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

DONE = Completion("done")
SETTINGS = BreakerSettings(minimum_calls=5, window_size=5, open_s=5, half_open_permits=2)


class Recording:
    """A machine that lets everything pass and remembers what was recorded."""

    state = "closed"

    def __init__(self) -> None:
        self.recorded: list[tuple[int, Outcome, float, float]] = []

    def acquire(self, now: float) -> int:
        return 7

    def record(self, permit: int, outcome: Outcome, elapsed_s: float, now: float) -> None:
        self.recorded.append((permit, outcome, elapsed_s, now))

    def retry_after(self, now: float) -> float | None:
        raise AssertionError("nothing was refused")


def takes(clock: VirtualClock, seconds: float, result: Completion | BaseException):
    async def step():
        clock.now += seconds
        if isinstance(result, BaseException):
            raise result
        return result

    return step


def refused_inside(invocation=None):
    return not_called(invocation or make_invocation(), Reason.ENDPOINT_SATURATED, "full")


ENDINGS = [
    (DONE, Outcome.SUCCESS),
    (unavailable(), Outcome.FAILURE),
    (Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "slow"), Outcome.FAILURE),
    (invalid("prompt", "too long"), Outcome.NOT_COUNTED),
    (Fault(Kind.EXHAUSTED, Origin.CALLER, Reason.BUDGET_EXHAUSTED, "-"), Outcome.NOT_COUNTED),
    (refused_inside(), Outcome.NOT_COUNTED),
    (asyncio.CancelledError(), Outcome.NOT_COUNTED),
    (RuntimeError("bug"), Outcome.NOT_COUNTED),
]


@pytest.mark.parametrize(("ending", "outcome"), ENDINGS)
def test_however_a_call_ends_it_is_recorded_once(ending, outcome: Outcome) -> None:
    clock, machine = VirtualClock(), Recording()
    call = breaker(machine, clock)(scripted(takes(clock, 0.5, ending)))
    if isinstance(ending, BaseException):
        with pytest.raises(type(ending)) as caught:
            run_virtual(clock, call(make_invocation()))
        assert caught.value is ending or isinstance(ending, asyncio.CancelledError)
    else:
        assert run_virtual(clock, call(make_invocation())) is ending
    assert machine.recorded == [(7, outcome, 0.5, 1000.5)]


def test_a_cancellation_while_it_waits_gives_the_permit_back() -> None:
    clock, machine = VirtualClock(), Breaker("alpha", SETTINGS)
    machine.force(OPEN, clock.now)
    machine.force(HALF_OPEN, clock.now)

    async def forever() -> Completion:
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        guarded = breaker(machine, clock)(scripted(forever))
        tasks = [asyncio.create_task(guarded(make_invocation())) for _ in range(2)]
        await asyncio.sleep(1)
        assert machine.acquire(clock.now) == 0
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        assert machine.acquire(clock.now)
        assert machine.acquire(clock.now) == 0
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)

    run_virtual(clock, main())


def test_a_long_stream_is_not_slow_and_a_long_unary_call_is() -> None:
    for streamed, elapsed_s in ((True, 0.0), (False, 120.0)):
        clock, machine = VirtualClock(), Recording()
        invocation = make_invocation()
        if streamed:

            async def send(text: str) -> None: ...

            invocation.send = send
        call = breaker(machine, clock)(scripted(takes(clock, 120.0, DONE)))
        run_virtual(clock, call(invocation))
        assert machine.recorded == [(7, Outcome.SUCCESS, elapsed_s, 1120.0)]


def trip(clock: VirtualClock, machine: Breaker) -> None:
    guarded = breaker(machine, clock)(scripted(unavailable()))
    for _ in range(5):
        with pytest.raises(Fault):
            run_virtual(clock, guarded(make_invocation()))
    assert machine.state is OPEN


def test_an_open_breaker_keeps_the_endpoint_from_being_called_and_says_for_how_long() -> None:
    clock, machine = VirtualClock(), Breaker("alpha", SETTINGS)
    trip(clock, machine)
    clock.now += 1.8
    call = scripted(DONE)
    invocation = make_invocation(Endpoint("alpha"))
    with pytest.raises(Fault) as caught:
        run_virtual(clock, breaker(machine, clock)(call)(invocation))
    fault = caught.value
    assert fault.message == "endpoint 'alpha': its circuit breaker is open for another 3.2 s"
    assert (fault.kind, fault.origin) == (Kind.UNAVAILABLE, Origin.US)
    assert fault.reason is Reason.BREAKER_OPEN
    assert fault.retry_after_s == pytest.approx(3.2)
    assert not fault.retryable
    (attempt,) = invocation.attempts
    assert (attempt.status, attempt.reason) == (AttemptStatus.SKIPPED, Reason.BREAKER_OPEN)
    assert call.calls == 0
    assert machine.read(clock.now).not_permitted == 1


@pytest.mark.parametrize(
    ("state", "word"), [(HALF_OPEN, "half_open"), (FORCED_OPEN, "forced_open")]
)
def test_a_refusal_without_a_known_end_names_the_state(state, word: str) -> None:
    clock, machine = VirtualClock(), Breaker("alpha", SETTINGS)
    machine.force(OPEN, clock.now)
    machine.force(state, clock.now)
    while machine.acquire(clock.now):
        pass
    with pytest.raises(Fault) as caught:
        run_virtual(clock, breaker(machine, clock)(scripted(DONE))(make_invocation()))
    assert caught.value.message == (
        f"endpoint 'alpha': its circuit breaker is {word} and lets no further call pass"
    )
    assert caught.value.retry_after_s is None


def test_it_closes_again_when_the_trial_calls_are_answered() -> None:
    clock, machine = VirtualClock(), Breaker("alpha", SETTINGS)
    trip(clock, machine)
    clock.now += 5
    guarded = breaker(machine, clock)(scripted(DONE))
    assert [run_virtual(clock, guarded(make_invocation())) for _ in range(3)] == [DONE] * 3
    assert machine.state is CLOSED


def test_a_storm_of_bad_requests_opens_no_breaker() -> None:
    """SGLang #25811: 4xx opened the breaker, and one caller took the fleet from all others."""
    clock, machine = VirtualClock(), Breaker("alpha", SETTINGS)
    guarded = breaker(machine, clock)(scripted(invalid("prompt", "nonsense")))
    for _ in range(1000):
        with pytest.raises(Fault, match="nonsense"):
            run_virtual(clock, guarded(make_invocation()))
    reading = machine.read(clock.now)
    assert (reading.state, reading.calls, reading.not_permitted) == (CLOSED, 0, 0)


@pytest.mark.parametrize(("ending", "outcome"), ENDINGS)
def test_an_ejector_is_told_of_answers_and_of_the_endpoints_own_faults_only(
    ending, outcome: Outcome
) -> None:
    clock = VirtualClock()
    told: list[tuple[str, Outcome]] = []

    class Group:
        def record(self, replica: str, outcome: Outcome) -> None:
            told.append((replica, outcome))

    call = eject(Group())(scripted(takes(clock, 0.5, ending)))
    if isinstance(ending, BaseException):
        with pytest.raises(type(ending)):
            run_virtual(clock, call(make_invocation(Endpoint("r1"))))
    else:
        assert run_virtual(clock, call(make_invocation(Endpoint("r1")))) is ending
    assert told == ([] if outcome is Outcome.NOT_COUNTED else [("r1", outcome)])


def test_a_replica_that_fails_all_its_calls_is_ejected_and_comes_back() -> None:
    clock = VirtualClock()
    names = [f"r{number}" for number in range(5)]
    ejector = Ejector(names, EjectionSettings(), clock, lambda: 0.0)
    for name in names:
        call = eject(ejector)(scripted(unavailable() if name == "r2" else DONE))
        for _ in range(50):
            try:
                run_virtual(clock, call(make_invocation(Endpoint(name))))
            except Fault:
                assert name == "r2"
    clock.now += 10
    assert [name for name in names if ejector.ejected(name, clock.now)] == ["r2"]
    clock.now += 30
    assert not ejector.ejected("r2", clock.now)
