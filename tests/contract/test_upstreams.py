"""One suite over every adapter: whatever protocol an endpoint speaks, it behaves the same."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from gateway.core.candidate import FinishReason, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Protocol
from gateway.core.faults import Kind, Origin, Reason
from gateway.core.hole import Sampling
from tests.fakes.rig import PROMPT, SECRET, SUFFIX, TRACE, Rig
from tests.fakes.script import Failure

HINTED = pytest.mark.parametrize("rig", ["native", "chat", "completions"], indirect=True)
"""The Open Inference Protocol has no hint of its own, and its servers send none of gRPC's."""


async def test_the_answer_comes_back_whole(rig: Rig, streamed: bool) -> None:
    completion = await rig.ask(streamed)
    assert completion.text == rig.script.text
    assert completion.finish_reason is FinishReason.STOP
    assert completion.model == "tiny-1"
    assert completion.usage == Usage(11, 3)
    # The Open Inference Protocol has no place for them.
    assert completion.logprobs == (() if rig.speaks is Protocol.OIP else rig.script.logprobs)
    assert "".join(rig.sent) == (rig.script.text if streamed else "")


async def test_each_piece_is_handed_over_as_it_comes(rig: Rig) -> None:
    await rig.ask(streamed=True)
    assert len(rig.sent) == len(rig.script.pieces)
    assert all(rig.sent)


async def test_the_endpoint_sees_the_hole_and_nothing_more(rig: Rig, streamed: bool) -> None:
    await rig.ask(streamed)
    (asked,) = rig.server.witness.asked
    assert PROMPT in asked.before
    assert SUFFIX in asked.after
    assert asked.model == "tiny"
    # A model that streams there is never asked for a whole answer.
    assert asked.streamed is (streamed or rig.speaks is Protocol.OIP)
    assert asked.headers["traceparent"] == TRACE[0][1]
    assert asked.headers["x-request-id"] == "req-1"
    assert "x-other" not in asked.headers


async def test_a_second_call_uses_the_same_connection(rig: Rig, streamed: bool) -> None:
    first = await rig.ask(streamed)
    assert await rig.ask(streamed) == first


@pytest.mark.parametrize("drip", [False, True], ids=["by event", "by byte"])
async def test_text_beyond_ascii_may_be_cut_anywhere(rig: Rig, drip: bool) -> None:
    """Between the bytes of a character, and between the characters of what looks like one."""
    rig.script.drip, rig.script.logprobs = drip, ()
    rig.script.pieces = tuple(
        "e\u0301\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\N{SNOWMAN}\ufe0f\u00a0\u2028"
    )
    assert (await rig.ask(streamed=True)).text == rig.script.text == "".join(rig.sent)


async def test_the_token_limit_is_reported(rig: Rig, streamed: bool) -> None:
    rig.script.finish = "length"
    completion = await rig.ask(streamed, sampling=Sampling(max_tokens=3))
    assert completion.finish_reason is FinishReason.LENGTH


async def test_an_unfinished_text_is_gone_on_with(rig: Rig, streamed: bool) -> None:
    completion = await rig.ask(streamed, partial="retu")
    assert PROMPT + "retu" in rig.server.witness.asked[0].before
    assert completion.text == rig.script.text


async def test_an_empty_answer_is_an_answer(rig: Rig, streamed: bool) -> None:
    rig.script.pieces = ()
    assert (await rig.ask(streamed)).text == ""
    assert rig.sent == []


@HINTED
async def test_overload_with_a_hint_may_be_retried(rig: Rig, streamed: bool) -> None:
    rig.script.failure, rig.script.retry_after_s = Failure.OVERLOADED, 7
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.origin) == (Kind.EXHAUSTED, Origin.UPSTREAM)
    assert fault.reason is Reason.UPSTREAM_OVERLOADED
    assert fault.retry_after_s == 7
    assert fault.retryable


async def test_overload_without_a_hint_is_not_retried(rig: Rig, streamed: bool) -> None:
    rig.script.failure = Failure.OVERLOADED
    fault = await rig.fault(streamed)
    assert fault.kind is Kind.EXHAUSTED
    assert fault.retry_after_s is None
    assert not fault.retryable


FAILURES = [
    (Failure.UNAVAILABLE, Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE, True),
    (Failure.INVALID, Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, False),
    (Failure.UNKNOWN_MODEL, Kind.NOT_FOUND, Origin.US, Reason.UPSTREAM_MODEL_UNKNOWN, False),
    (Failure.UNAUTHENTICATED, Kind.UNAUTHENTICATED, Origin.US, Reason.UPSTREAM_AUTH, False),
    (Failure.DENIED, Kind.DENIED, Origin.US, Reason.UPSTREAM_AUTH, False),
    (Failure.BROKEN, Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_ERROR, False),
]


@pytest.mark.parametrize("row", FAILURES, ids=[row[0].value for row in FAILURES])
async def test_every_failure_has_its_fault(
    rig: Rig, streamed: bool, row: tuple[Failure, Kind, Origin, Reason, bool]
) -> None:
    rig.script.failure, kind, origin, reason, retryable = row
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.origin, fault.reason) == (kind, origin, reason)
    assert fault.retryable is retryable
    assert "'fake'" in fault.message
    assert len(rig.server.witness.asked) == 1  # an adapter never retries


@pytest.mark.parametrize("failure", list(Failure))
async def test_a_failure_inside_a_stream_keeps_its_fault(rig: Rig, failure: Failure) -> None:
    rig.script.failure, rig.script.failure_after = failure, 1
    fault = await rig.fault(streamed=True)
    rig.script.failure_after = None
    at_once = await rig.fault(streamed=True)
    assert (fault.kind, fault.origin, fault.reason) == (
        at_once.kind,
        at_once.origin,
        at_once.reason,
    )
    assert rig.sent == [rig.script.pieces[0]]


async def test_nobody_listening_is_unavailable(rig: Rig, streamed: bool) -> None:
    await rig.server.__aexit__()
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.reason) == (Kind.UNAVAILABLE, Reason.UPSTREAM_UNREACHABLE)
    assert fault.retryable
    assert fault.against_endpoint


async def test_a_cut_stream_is_truncated(rig: Rig) -> None:
    rig.script.cut = True
    fault = await rig.fault(streamed=True)
    assert (fault.kind, fault.origin) == (Kind.TRUNCATED, Origin.UPSTREAM)
    assert fault.reason is Reason.UPSTREAM_TRUNCATED
    assert "".join(rig.sent) == rig.script.text


async def test_an_unreadable_answer_is_malformed(rig: Rig, streamed: bool) -> None:
    rig.script.malformed = True
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.origin) == (Kind.MALFORMED, Origin.UPSTREAM)
    assert rig.sent == []


async def test_an_answer_beyond_the_limit_is_malformed(rig: Rig, streamed: bool) -> None:
    rig.script.pieces = ("x" * 50_000,) * 5
    fault = await rig.fault(streamed)
    assert (fault.kind, fault.reason) == (Kind.MALFORMED, Reason.UPSTREAM_MALFORMED)


async def test_a_request_beyond_the_limit_is_the_callers(rig: Rig, streamed: bool) -> None:
    fault = await rig.fault(streamed, partial="x" * 300_000)
    assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
    assert rig.server.witness.asked == []


async def test_text_that_is_not_unicode_is_the_callers(rig: Rig, streamed: bool) -> None:
    fault = await rig.fault(streamed, partial="\ud800")
    assert (fault.kind, fault.origin) == (Kind.INVALID, Origin.CALLER)
    assert rig.server.witness.asked == []


async def test_the_deadline_is_kept(rig: Rig, streamed: bool) -> None:
    rig.script.hang = True
    started = time.monotonic()
    fault = await rig.fault(streamed, within_s=0.15)
    took = time.monotonic() - started
    assert (fault.kind, fault.origin) == (Kind.DEADLINE, Origin.UPSTREAM)
    assert fault.reason is Reason.UPSTREAM_TIMEOUT
    assert 0.1 < took < 2.0
    async with asyncio.timeout(5):
        await rig.server.witness.left.wait()


async def test_a_call_that_comes_too_late_is_not_started(rig: Rig, streamed: bool) -> None:
    fault = await rig.fault(streamed, within_s=-1.0)
    assert (fault.kind, fault.reason) == (Kind.DEADLINE, Reason.DEADLINE_EXCEEDED)
    assert not fault.against_endpoint
    assert rig.server.witness.asked == []


async def cancelled(asking: asyncio.Task[object]) -> None:
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_cancelling_reaches_the_endpoint(rig: Rig, streamed: bool) -> None:
    rig.script.hang = True
    asking = asyncio.create_task(rig.ask(streamed))
    async with asyncio.timeout(5):
        await rig.server.witness.started.wait()
        await cancelled(asking)
        await rig.server.witness.left.wait()


async def test_a_stream_whose_reader_is_stuck_is_cancelled_at_the_endpoint(rig: Rig) -> None:
    rig.script.endless, rig.script.pieces = True, ("x" * 1000,)
    stuck = asyncio.Event()

    async def never(_: str) -> None:
        stuck.set()
        await asyncio.Event().wait()

    deadline = Deadline(time.monotonic() + 30)
    asking = asyncio.create_task(rig.upstream.stream(rig.task(), deadline, never))
    async with asyncio.timeout(5):
        await stuck.wait()
        await cancelled(asking)
        await rig.server.witness.left.wait()


async def test_a_stream_whose_reader_fails_is_ended_at_the_endpoint(rig: Rig) -> None:
    rig.script.endless, rig.script.pieces = True, ("x" * 1000,)

    async def fails(_: str) -> None:
        raise TimeoutError("the reader's own")

    deadline = Deadline(time.monotonic() + 30)
    with pytest.raises(TimeoutError, match="the reader's own"):
        await rig.upstream.stream(rig.task(), deadline, fails)
    async with asyncio.timeout(5):
        await rig.server.witness.left.wait()


async def test_back_pressure_loses_nothing(rig: Rig) -> None:
    rig.script.pieces = tuple(f"{number} " for number in range(2_000))
    rig.script.logprobs = ()

    async def slow(text: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        rig.sent.append(text)

    deadline = Deadline(time.monotonic() + 30)
    completion = await rig.upstream.stream(rig.task(), deadline, slow)
    assert completion.text == "".join(rig.sent) == rig.script.text


async def test_closing_ends_running_calls(rig: Rig, streamed: bool) -> None:
    rig.script.hang = True
    asking = asyncio.create_task(rig.fault(streamed))
    async with asyncio.timeout(5):
        await rig.server.witness.started.wait()
        await rig.upstream.close()
        fault = await asking
        await rig.server.witness.left.wait()
    assert (fault.kind, fault.origin) == (Kind.CANCELLED, Origin.US)
    assert fault.reason is Reason.SHUTTING_DOWN


async def test_nothing_is_called_after_closing(rig: Rig, streamed: bool) -> None:
    await rig.upstream.close()
    fault = await rig.fault(streamed)
    assert fault.reason is Reason.SHUTTING_DOWN
    assert rig.server.witness.asked == []


async def test_the_secret_goes_to_the_endpoint_and_nowhere_else(rig: Rig, streamed: bool) -> None:
    await rig.ask(streamed)
    assert rig.server.witness.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    rig.script.failure = Failure.UNAUTHENTICATED
    fault = await rig.fault(streamed)
    shown = f"{fault!r} {fault} {rig.options!r} {rig.upstream!r}"
    assert SECRET not in shown


@pytest.mark.parametrize("failure", list(Failure))
async def test_a_fault_repeats_neither_the_prompt_nor_the_endpoints_words(
    rig: Rig, streamed: bool, failure: Failure
) -> None:
    rig.script.failure = failure
    fault = await rig.fault(streamed)
    assert "private" not in repr(fault)
    assert "upstream says" not in repr(fault)
    assert fault.__suppress_context__ or fault.__context__ is None


async def test_an_id_that_no_header_can_carry_stops_nothing(rig: Rig, streamed: bool) -> None:
    request = replace(rig.task().request, request_id="a\r\nb: c")
    await rig.ask(streamed, request=request)
    assert "x-request-id" not in rig.server.witness.asked[0].headers
