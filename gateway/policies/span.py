"""A span around each request and each call, where traces are wanted."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.answer import Answer
from gateway.core.candidate import Completion
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.policy import Call, Invocation, Policy
from gateway.core.telemetry import Tracer


def request_span(tracer: Tracer) -> Guard:
    """Draw one span around each request, however it ends."""

    def wrap(handle: Handle) -> Handle:
        async def traced(exchange: Exchange) -> Answer:
            span = tracer.request(exchange)
            try:
                answer = await handle(exchange)
            except BaseException as error:
                span.ended(exchange, error)
                raise
            span.ended(exchange, None)
            return answer

        return traced

    return wrap


def attempt_span(tracer: Tracer) -> Policy:
    """Draw one span around each call; the endpoint is told of it instead of the caller's.

    It stands around what records the call, and reads the record when that is written. Nothing is
    done for a call that has none.
    """

    def wrap(call: Call) -> Call:
        async def traced(invocation: Invocation) -> Completion:
            task = invocation.task
            span = tracer.attempt(task, invocation.try_number)
            if span is None:
                return await call(invocation)
            request = replace(task.request, trace_context=span.trace_context)
            invocation.task = replace(task, request=request)
            invocation.done = None
            completion: Completion | None = None
            try:
                completion = await call(invocation)
                return completion
            finally:
                invocation.task = task
                span.ended(invocation.done, completion)

        return traced

    return wrap
