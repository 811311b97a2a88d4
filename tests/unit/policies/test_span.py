from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.policy import Invocation
from gateway.policies.observe import observe
from gateway.policies.span import attempt_span, request_span
from tests.fakes.slow import Recorder
from tests.fakes.values import make_invocation, make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

OWN = (("traceparent", "own"),)
CALLER = (("traceparent", "caller"), ("baggage", "k=v"))


class Span:
    def __init__(self, told: list) -> None:
        self.trace_context = OWN
        self._told = told

    def ended(self, *what: object) -> None:
        self._told.append(what)


class Tracer:
    def __init__(self) -> None:
        self.asked: list = []
        self.told: list = []

    def request(self, exchange: Exchange) -> Span:
        self.asked.append(exchange)
        return Span(self.told)

    def attempt(self, task, try_number: int) -> Span:
        self.asked.append((task, try_number))
        return Span(self.told)


@pytest.mark.parametrize("end", [None, unavailable(), asyncio.CancelledError(), KeyError("x")])
def test_the_span_of_a_request_ends_once_however_it_ends(end: BaseException | None):
    tracer, exchange = Tracer(), Exchange(make_request(), Deadline(9.0))

    async def handle(_):
        if end is not None:
            raise end
        return "answer"

    work = request_span(tracer)(handle)(exchange)
    if end is None:
        assert run_virtual(VirtualClock(), work) == "answer"
    else:
        with pytest.raises(type(end)):
            run_virtual(VirtualClock(), work)
    assert tracer.asked == [exchange]
    assert tracer.told == [(exchange, end)]


def called(invocation: Invocation, end: BaseException | None) -> tuple[Tracer, list]:
    """Call an endpoint through the policy and what records the call; return what it was told."""
    tracer, seen = Tracer(), []

    async def call(asked: Invocation) -> Completion:
        seen.append(asked.task.request.trace_context)
        if end is not None:
            raise end
        return Completion("text")

    clock = VirtualClock()
    stack = attempt_span(tracer)(observe(Recorder(), clock)(call))
    if end is None:
        run_virtual(clock, stack(invocation))
    else:
        with pytest.raises(type(end)):
            run_virtual(clock, stack(invocation))
    return tracer, seen


@pytest.mark.parametrize("end", [None, unavailable(), asyncio.CancelledError()])
def test_a_call_carries_the_context_of_its_own_span_and_leaves_the_task_as_it_was(end):
    invocation = make_invocation()
    request = replace(invocation.task.request, trace_context=CALLER)
    task = invocation.task = replace(invocation.task, request=request)
    invocation.try_number = 2
    tracer, seen = called(invocation, end)
    assert seen == [OWN]
    assert invocation.task is task
    assert tracer.asked == [(task, 2)]


def test_the_span_of_a_call_is_told_of_its_record_and_its_text():
    invocation = make_invocation()
    tracer, _ = called(invocation, None)
    ((attempt, completion),) = tracer.told
    assert attempt is invocation.attempts[0]
    assert completion.text == "text"


def test_the_span_of_a_call_that_failed_is_told_of_its_record_alone():
    invocation = make_invocation()
    tracer, _ = called(invocation, unavailable())
    ((attempt, completion),) = tracer.told
    assert (attempt.status, completion) == (AttemptStatus.FAILED, None)


def test_a_call_that_left_no_record_is_not_told_the_one_before():
    invocation = make_invocation()
    called(invocation, None)
    assert invocation.done is not None
    tracer = Tracer()

    async def breaks(_: Invocation) -> Completion:
        raise KeyError

    with pytest.raises(KeyError):
        run_virtual(VirtualClock(), attempt_span(tracer)(breaks)(invocation))
    assert tracer.told == [(None, None)]


def test_a_call_without_a_span_is_made_as_it_is():
    """Nothing is built for a request that is not sampled."""

    class Dropped(Tracer):
        def attempt(self, task, try_number: int) -> None:
            self.asked.append((task, try_number))

    invocation, seen = make_invocation(), []
    task = invocation.task

    async def call(asked: Invocation) -> Completion:
        seen.append(asked.task)
        return Completion("text")

    tracer = Dropped()
    completion = run_virtual(VirtualClock(), attempt_span(tracer)(call)(invocation))
    assert completion.text == "text"
    assert seen[0] is invocation.task is task
    assert tracer.told == []
