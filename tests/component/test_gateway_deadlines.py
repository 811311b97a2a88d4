"""One deadline from caller to endpoint, and a caller who leaves takes everything with them."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.result_pb2 import AttemptStatus
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest
from ensemble_client import AsyncClient, DeadlineExceeded

import gateway.app
from gateway.config.schema import Settings
from gateway.policies.deadline import DeadlineSettings, deadline
from tests.fakes.gateways import (
    Door,
    failure,
    gateway_on_loopback,
    request,
    settings_of,
    streamed,
)
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Asked, Script

Ask = Callable[[Door, float | None], Any]


def unary(door: Door, timeout: float | None) -> Any:
    return door.generate(request(), timeout=timeout)


def stream(door: Door, timeout: float | None) -> Any:
    return door.stream(streamed(), timeout=timeout)


def batch(door: Door, timeout: float | None) -> Any:
    messages = [pb.BatchGenerateRequest(index=place, request=request()) for place in range(3)]
    return door.batch(iter(messages), timeout=timeout)


def best_of_n(door: Door, timeout: float | None) -> Any:
    return door.generate(request(strategy="STRATEGY_BEST_OF_N", n=3), timeout=timeout)


EVERY_WAY = pytest.mark.parametrize("ask", [unary, stream, batch, best_of_n])


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


def settings(model: FakeModelServer) -> Settings:
    return settings_of(model.url, server={"default_deadline_s": 40.0, "drain_grace_s": 50.0})


@pytest.fixture
async def door(model: FakeModelServer) -> AsyncIterator[Door]:
    async with gateway_on_loopback(settings(model)) as opened:
        yield opened


@pytest.fixture
async def early(model: FakeModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """A gateway that keeps back half of the time: a busy machine is not what is tested."""
    half = DeadlineSettings(reserve_s=10, reserve_share=0.5)
    stack = tuple(
        (name, (lambda parts: deadline(half, parts.clock)) if name == "deadline" else build)
        for name, build in gateway.app.REQUEST_STACK
    )
    monkeypatch.setattr(gateway.app, "REQUEST_STACK", stack)
    async with gateway_on_loopback(settings(model)) as opened:
        yield opened


async def finish(call: Any) -> None:
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


@EVERY_WAY
async def test_the_callers_deadline_reaches_the_endpoint(
    door: Door, model: FakeModelServer, ask: Ask
) -> None:
    await finish(ask(door, 20))
    for asked in model.witness.asked:
        assert asked.time_left_s is not None
        assert 15 < asked.time_left_s < 20.1  # gRPC rounds up a little


@EVERY_WAY
async def test_a_caller_without_a_deadline_gets_the_default(
    door: Door, model: FakeModelServer, ask: Ask
) -> None:
    await finish(ask(door, None))
    for asked in model.witness.asked:
        assert asked.time_left_s is not None
        assert 30 < asked.time_left_s < 40.1


async def test_no_deadline_is_longer_than_the_configured_one(
    door: Door, model: FakeModelServer
) -> None:
    await door.generate(request(), timeout=5000)
    assert model.witness.asked[0].time_left_s < 40.1


@pytest.mark.parametrize("ask", [unary, stream, best_of_n])
async def test_a_deadline_is_explained_before_the_callers_own_timer(
    early: Door, model: FakeModelServer, ask: Ask
) -> None:
    model.script.hang, model.script.pieces = True, ()
    started = time.monotonic()
    failed = await failure(ask(early, 0.6))
    took = time.monotonic() - started
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
    )
    assert {attempt.endpoint for attempt in failed.attempts} == {"a"}
    assert failed.trailers["x-ensemble-attempts"] == str(len(failed.attempts))
    assert 0.2 < took < 5
    async with asyncio.timeout(5):
        await model.witness.left.wait()


async def test_each_hole_of_a_batch_meets_the_batchs_deadline(
    door: Door, model: FakeModelServer
) -> None:
    model.script.hang = True
    answers: list[pb.BatchGenerateResponse] = []
    try:
        async for answer in batch(door, 0.3):
            answers.append(answer)  # noqa: PERF401 - those before a failure count too
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    else:
        assert [answer.index for answer in answers] == [0, 1, 2]
    for answer in answers:
        assert answer.failure.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        assert [attempt.endpoint for attempt in answer.failure.detail.attempts] == ["a"]
    async with asyncio.timeout(5):
        await model.witness.left.wait()


async def test_a_stream_that_stalls_after_text_ends_at_its_deadline(
    early: Door, model: FakeModelServer
) -> None:
    model.script.hang = True
    failed = await failure(stream(early, 0.6))
    assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failed.details["FailureDetail"].streamed_chars == len(model.script.text)
    assert [attempt.status for attempt in failed.attempts] == [
        AttemptStatus.ATTEMPT_STATUS_CANCELLED
    ]


async def test_a_slow_reader_meets_the_deadline_too(door: Door, model: FakeModelServer) -> None:
    """The gateway is stuck in a write then; the endpoint must be left all the same."""
    model.script.endless, model.script.pieces = True, ("x" * 60_000,)
    call = stream(door, 0.5)
    await call.read()
    async with asyncio.timeout(5):
        await model.witness.left.wait()
    call.cancel()


async def test_the_sdk_raises_the_typed_error_with_the_attempts(
    early: Door, model: FakeModelServer
) -> None:
    model.script.hang = True
    async with AsyncClient(early.target) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            await client.generate("x = ", timeout=0.6)
    assert caught.value.reason == "DEADLINE_EXCEEDED"
    assert [attempt.endpoint for attempt in caught.value.attempts] == ["a"]


@EVERY_WAY
async def test_a_caller_who_cancels_frees_the_endpoint(
    door: Door, model: FakeModelServer, ask: Ask
) -> None:
    model.script.hang = True
    call = ask(door, 30)
    following = asyncio.create_task(finish(call))
    async with asyncio.timeout(5):
        await model.witness.started.wait()
        call.cancel()
        await model.witness.left.wait()
    await asyncio.wait([following])
    assert following.cancelled()
    await idle(door)


@EVERY_WAY
async def test_a_caller_whose_connection_breaks_frees_the_endpoint(
    door: Door, model: FakeModelServer, ask: Ask
) -> None:
    model.script.hang = True
    following = asyncio.create_task(finish(ask(door, 30)))
    async with asyncio.timeout(5):
        await model.witness.started.wait()
        following.cancel()
        await door.channel.close(None)
        await model.witness.left.wait()
    await asyncio.wait([following])


async def test_a_stream_left_in_the_middle_frees_the_endpoint(
    door: Door, model: FakeModelServer
) -> None:
    model.script.endless, model.script.pieces = True, ("x" * 1000,)
    call = stream(door, 30)
    async with asyncio.timeout(5):
        while not (await call.read()).HasField("delta"):
            pass
        call.cancel()
        await model.witness.left.wait()
    await idle(door)


async def test_a_blocked_write_does_not_hide_that_the_caller_left(
    door: Door, model: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap of grpc.aio: a handler that waits in `write` is cancelled, its own calls are not."""
    model.script.endless, model.script.pieces = True, ("x" * 60_000,)
    call = stream(door, 30)
    await call.read()
    async with asyncio.timeout(5):
        await stalled(door, model)
        call.cancel()
        await model.witness.left.wait()
    await idle(door)
    # A caller who leaves is no bug of ours.
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def stalled(door: Door, model: FakeModelServer) -> None:
    """Return once the endpoint has written nothing for the time of many calls."""
    before, model.wrote = -1, 0
    while model.wrote != before:
        before = model.wrote
        for _ in range(50):
            await door.route(pb.RouteRequest(request=request()), timeout=5)


async def test_the_losers_of_a_best_of_n_are_cancelled(door: Door, model: FakeModelServer) -> None:
    """Trap of grpc.aio: newer versions never cancel a call that is merely dropped."""
    all_in = asyncio.Event()

    async def first_wins(asked: Asked) -> None:
        if len(model.witness.asked) == 3:
            all_in.set()
        await (all_in if asked.body.candidate == 0 else asyncio.Event()).wait()

    model.hold = first_wins
    checked = [{"name": "c", "forbidden_text": {"texts": ["never there"]}}]
    message = request(strategy="STRATEGY_BEST_OF_N", n=3, constraints=checked)
    async with asyncio.timeout(5):
        answer = await door.generate(message, timeout=30)
        await model.witness.left.wait()
    assert sorted((attempt.candidate, attempt.status) for attempt in answer.attempts) == [
        (0, AttemptStatus.ATTEMPT_STATUS_OK),
        (1, AttemptStatus.ATTEMPT_STATUS_CANCELLED),
        (2, AttemptStatus.ATTEMPT_STATUS_CANCELLED),
    ]
    await idle(door)


async def test_cancelled_calls_leave_no_memory_behind(door: Door, model: FakeModelServer) -> None:
    """Trap of grpc.aio: cancelled unary calls grow the process by 1 to 2.5 KiB each."""
    model.script.hang = True
    for _ in range(100):
        await asked_and_cancelled(door, model)
    before = resident_kib()
    for _ in range(500):
        await asked_and_cancelled(door, model)
    # Caller, gateway and endpoint live in this process: three sides of every call.
    assert resident_kib() - before < 500 * 3 * 4


async def asked_and_cancelled(door: Door, model: FakeModelServer) -> None:
    model.witness.asked.clear()
    model.witness.started.clear()
    call = door.generate(request(), timeout=30)
    following = asyncio.ensure_future(call)
    await model.witness.started.wait()
    call.cancel()
    await asyncio.wait([following])


def resident_kib() -> int:
    gc.collect()
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1))


async def idle(door: Door) -> None:
    """Return once no attempt is in flight: nothing of a request outlives it."""
    async with asyncio.timeout(5):
        while any(one.in_flight for one in await in_flight(door)):
            pass


async def in_flight(door: Door) -> Any:
    return (await door.telemetry.GetMetrics(GetMetricsRequest(), timeout=5)).endpoints
