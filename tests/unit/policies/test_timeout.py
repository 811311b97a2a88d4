from __future__ import annotations

import asyncio
import math

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.outcome import Outcome
from gateway.core.policy import Invocation
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.observe import observe
from gateway.policies.retry import RetrySettings, retry
from gateway.policies.timeout import TimeoutSettings, timeout
from tests.fakes.ensemble import guarded
from tests.fakes.slow import HANG, Recorder, Speeds, takes, too_late
from tests.fakes.values import make_invocation, make_request, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

OFF = TimeoutSettings()
STALLS = TimeoutSettings(first_s=2.0, between_s=10.0)
ALPHA = Endpoint("alpha", timeout_s=900.0)


class Run:
    """One call through the policy on a clock of its own; `result` is its answer or fault."""

    def __init__(
        self,
        call,
        *,
        settings=OFF,
        reader=None,
        endpoint=ALPHA,
        speeds=None,
        left=1e6,
        first_by=math.inf,
    ) -> None:
        self.clock, self.speeds, self.recorder = VirtualClock(), speeds or Speeds(), Recorder()
        self.started = self.clock.now
        self.invocation = make_invocation(endpoint, deadline_at=self.started + left)
        self.whole = self.invocation.deadline
        if reader is not None:
            self.invocation.send = reader
            self.invocation.first_by = self.started + first_by
        stack = observe(self.recorder, self.clock)(timeout(settings, self.clock, self.speeds)(call))
        try:
            self.result = run_virtual(self.clock, stack(self.invocation))
        except Fault as fault:
            self.result = fault
        self.took = self.clock.now - self.started
        assert self.invocation.deadline is self.whole
        assert self.invocation.send is reader
        assert len(self.invocation.attempts) == len(self.recorder.ended_with) == 1
        self.outcome = self.recorder.ended_with[0][1]

    @property
    def blame(self) -> tuple[Origin, Reason, Outcome]:
        return self.result.origin, self.result.reason, self.outcome


async def quick(_: str) -> None:
    """A reader that is never slow."""


def reads_in(seconds: float):
    async def send(_: str) -> None:
        await asyncio.sleep(seconds)

    return send


ENDPOINTS_FAULT = (Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, Outcome.FAILURE)
TOO_LITTLE = (Origin.US, Reason.TOO_LITTLE_TIME, Outcome.NOT_COUNTED)


def test_an_attempt_gets_the_sooner_of_both_deadlines_and_gives_the_whole_one_back() -> None:
    seen: list[float] = []

    async def call(invocation: Invocation) -> Completion:
        seen.append(invocation.deadline.at)
        return Completion("")

    one = Run(call, endpoint=Endpoint("alpha", timeout_s=2.0), left=10)
    other = Run(call, endpoint=Endpoint("alpha", timeout_s=20.0), left=10)
    assert seen == [one.started + 2.0, other.started + 10]


def test_an_attempt_whose_time_is_over_is_recorded_once_and_counts_against_nobody() -> None:
    call = scripted(Completion(""))
    run = Run(call, left=0)
    assert call.calls == 0
    assert run.blame == (Origin.CALLER, Reason.DEADLINE_EXCEEDED, Outcome.NOT_COUNTED)
    assert run.invocation.attempts[0].status is AttemptStatus.TIMEOUT


def test_a_stream_whose_first_text_is_due_already_is_not_started() -> None:
    call = scripted(Completion(""))
    run = Run(call, reader=quick, first_by=0)
    assert call.calls == 0
    assert run.blame == TOO_LITTLE


def test_no_first_text_in_time_is_a_failure_of_the_endpoint() -> None:
    run = Run(takes(HANG), settings=STALLS, reader=quick)
    assert run.took == pytest.approx(2.0)
    assert run.blame == ENDPOINTS_FAULT
    assert run.result.kind is Kind.DEADLINE
    assert run.result.message == "endpoint 'alpha' sent no first text within 2.00 s"
    assert not run.result.retryable
    assert run.speeds.firsts == []


def test_a_stream_that_stalls_after_text_is_left_soon() -> None:
    """Regression of TensorZero #6328: a stall after the first token held on for the total."""
    steps = (1.0, "a", 5.0, "b", 9.9, "c", HANG)
    defective = Run(takes(*steps), reader=quick)
    assert defective.took == pytest.approx(900.0)
    run = Run(takes(*steps), settings=STALLS, reader=quick)
    assert run.took == pytest.approx(1.0 + 5.0 + 9.9 + 10.0)
    assert run.blame == ENDPOINTS_FAULT
    assert run.result.message == "endpoint 'alpha' sent no text for 10 s"
    assert run.invocation.received == 3


def test_a_slow_reader_never_looks_like_a_stalled_endpoint() -> None:
    """The watch stands still while text waits for its reader, and starts anew afterwards."""
    run = Run(takes(1.0, "a", 9.0, "b", 9.0), settings=STALLS, reader=reads_in(60.0))
    assert run.result.text == "ab"
    assert run.took == pytest.approx(1.0 + 60.0 + 9.0 + 60.0 + 9.0)
    run = Run(takes(1.0, "a", HANG), settings=STALLS, reader=reads_in(63.0))
    assert run.took == pytest.approx(1.0 + 63.0 + 10.0)
    assert run.blame == ENDPOINTS_FAULT


def test_without_a_limit_between_texts_only_the_total_ends_a_stalled_stream() -> None:
    run = Run(takes("a", HANG), settings=TimeoutSettings(first_s=2.0), reader=quick)
    assert run.took == pytest.approx(900.0)
    assert run.blame == ENDPOINTS_FAULT


def test_the_first_text_may_take_longer_than_the_limit_between_texts() -> None:
    run = Run(takes(50.0, "a"), settings=TimeoutSettings(between_s=10.0), reader=quick)
    assert run.result.text == "a"


def test_a_thousand_pieces_set_one_timer() -> None:
    timers: list[float] = []

    async def call(invocation: Invocation) -> Completion:
        loop = asyncio.get_running_loop()
        real = loop.call_later

        def counted(delay, callback, *args, context=None):
            timers.append(delay)
            return real(delay, callback, *args, context=context)

        loop.call_later = counted  # type: ignore[method-assign]
        return await takes(*("x" for _ in range(1000)))(invocation)

    Run(call, settings=STALLS, reader=quick)
    assert timers == [10.0]


def test_a_unary_call_sets_no_timer_and_reports_no_first_text() -> None:
    run = Run(takes(500.0, "a"), settings=STALLS)
    assert run.result.text == "a"
    assert run.speeds.firsts == []


def test_the_time_to_the_first_text_is_reported_once_a_stream() -> None:
    run = Run(takes(1.5, "a", 1.0, "b"), reader=quick)
    assert run.speeds.firsts == [("alpha", pytest.approx(1.5))]


@pytest.mark.parametrize(
    ("usual", "blame"),
    [(None, ENDPOINTS_FAULT), (0.5, ENDPOINTS_FAULT), (1.5, TOO_LITTLE)],
)
def test_a_share_below_the_usual_first_text_counts_against_nobody(usual, blame) -> None:
    speeds = Speeds(first={} if usual is None else {"alpha": usual})
    run = Run(takes(HANG), settings=STALLS, reader=quick, first_by=1.0, speeds=speeds)
    assert run.took == pytest.approx(1.0)
    assert run.blame == blame


def test_the_endpoints_own_limit_to_the_first_text_counts_though_it_is_usually_slower() -> None:
    speeds = Speeds(first={"alpha": 9.0})
    assert Run(takes(HANG), settings=STALLS, reader=quick, speeds=speeds).blame == ENDPOINTS_FAULT


@pytest.mark.parametrize(
    ("left", "usual", "blame"),
    [
        (1.0, 1.5, TOO_LITTLE),
        (1.5, 1.5, ENDPOINTS_FAULT),
        (1.0, None, ENDPOINTS_FAULT),
        (5.0, 99.0, ENDPOINTS_FAULT),  # its own timeout of 2 s ended it, not the request
    ],
)
def test_a_deadline_too_short_for_anybody_opens_no_breaker(left, usual, blame) -> None:
    speeds = Speeds({} if usual is None else {"alpha": usual})
    endpoint = Endpoint("alpha", timeout_s=2.0)
    run = Run(takes(HANG), endpoint=endpoint, left=left, speeds=speeds)
    assert run.blame == blame
    assert run.invocation.attempts[0].status is AttemptStatus.TIMEOUT


def test_an_endpoint_that_gives_up_early_does_so_for_reasons_of_its_own() -> None:
    run = Run(scripted(too_late()), left=1.0, speeds=Speeds({"alpha": 1.5}))
    assert run.blame == ENDPOINTS_FAULT


def test_other_faults_are_passed_on_as_they_are() -> None:
    fault = unavailable()
    assert Run(scripted(fault), left=1.0, reader=quick).result is fault


READ_SLOWLY = (Origin.CALLER, Reason.DEADLINE_EXCEEDED, Outcome.NOT_COUNTED)


@pytest.mark.parametrize(
    ("steps", "reader_s", "blame"),
    [
        ((1.0, "a", 1.0, "b"), 100.0, READ_SLOWLY),  # over while the reader has it
        ((1.0, "a", 40.0), 60.0, READ_SLOWLY),
        ((60.0, "a", 60.0), 20.0, ENDPOINTS_FAULT),
    ],
)
def test_a_total_spent_on_the_reader_is_not_the_endpoints(steps, reader_s, blame) -> None:
    endpoint = Endpoint("alpha", timeout_s=100.0)
    run = Run(takes(*steps), endpoint=endpoint, reader=reads_in(reader_s))
    assert run.blame == blame
    assert run.took == pytest.approx(100.0)


def test_a_caller_who_leaves_as_the_stream_stalls_stays_one_who_left() -> None:
    clock = VirtualClock()
    invocation = make_invocation(ALPHA)
    invocation.send = quick

    async def main() -> None:
        call = timeout(STALLS, clock, Speeds())(takes(HANG))
        task = asyncio.ensure_future(call(invocation))
        asyncio.get_running_loop().call_later(2.0, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    run_virtual(clock, main())


def test_a_deadline_that_ends_with_the_stall_is_the_deadlines() -> None:
    """The pair deadline + timeout: both cancel the same task at the same moment."""
    clock = VirtualClock()
    invocation = make_invocation(ALPHA)
    invocation.send = quick
    call = timeout(STALLS, clock, Speeds())(takes(HANG))

    async def main() -> Fault:
        guarded = deadline(DeadlineSettings(0.0), clock)(lambda _: call(invocation))  # type: ignore[arg-type]
        with pytest.raises(Fault) as caught:
            await guarded(Exchange(make_request(), Deadline(clock.now + 2.0)))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return caught.value

    assert run_virtual(clock, main()).reason is Reason.DEADLINE_EXCEEDED


@pytest.mark.parametrize("ends", ["answer", "fault"])
def test_a_call_that_swallows_the_cancellation_ends_in_its_own_way(ends) -> None:
    clock = VirtualClock()
    invocation = make_invocation(ALPHA)
    invocation.send = quick

    async def stubborn(_: Invocation) -> Completion:
        try:
            await asyncio.sleep(HANG)
        except asyncio.CancelledError:
            if ends == "fault":
                raise too_late() from None
        return Completion("done")

    async def main() -> None:
        call = timeout(STALLS, clock, Speeds())(stubborn)
        try:
            assert (await call(invocation)).text == "done"
        except Fault as fault:
            assert fault.message == too_late().message
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run_virtual(clock, main())


class Generous:
    """A throttle that allows every retry."""

    def succeeded(self) -> None: ...

    def failed(self, fault: Fault) -> None: ...

    def allows(self) -> bool:
        return True

    def retried(self) -> None: ...


def retried_and_timed(call, *, left: float) -> tuple[Invocation, VirtualClock]:
    clock = VirtualClock()
    invocation = make_invocation(Endpoint("alpha", timeout_s=0.9), deadline_at=clock.now + left)
    stack = [
        retry(RetrySettings(), clock, lambda: 0.5, Generous()),
        observe(Recorder(), clock),
        timeout(OFF, clock, Speeds()),
    ]
    with pytest.raises(Fault):
        run_virtual(clock, guarded(call, stack)(invocation))
    return invocation, clock


def test_retry_gets_only_what_is_left_of_the_deadline() -> None:
    """The pair retry + timeout: each try leaves its record, and none gets a fresh timeout."""
    given: list[float] = []

    async def call(invocation: Invocation) -> Completion:
        started = asyncio.get_running_loop().time()
        given.append(invocation.deadline.at - started)
        await asyncio.sleep(0.4)
        raise unavailable()

    invocation, _ = retried_and_timed(call, left=1.05)
    assert given == [pytest.approx(0.9), pytest.approx(1.05 - 0.4 - 0.1)]
    assert [attempt.try_number for attempt in invocation.attempts] == [1, 2]


def test_a_try_that_took_all_its_time_is_not_repeated() -> None:
    invocation, clock = retried_and_timed(takes(HANG), left=5.0)
    assert [attempt.status for attempt in invocation.attempts] == [AttemptStatus.TIMEOUT]
    assert clock.now == pytest.approx(1000.9)


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize("name", ["first_s", "between_s"])
def test_settings_that_make_no_sense_are_refused_by_name(name, seconds) -> None:
    with pytest.raises(ValueError, match=name):
        TimeoutSettings(**{name: seconds})
