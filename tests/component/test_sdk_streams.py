"""Streams and cancellation of both clients against a scripted gateway."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import (
    AsyncClient,
    Cancelled,
    Client,
    DeadlineExceeded,
    EnsembleError,
    StreamTruncated,
)

from tests.fakes.both_clients import Both
from tests.fakes.gateway_server import (
    DONE,
    PATIENCE_S,
    STARTED,
    UNAVAILABLE,
    FakeGateway,
    delta,
    fails,
    streams,
    waits,
)


def test_a_stream_hands_out_its_events_and_ends_with_the_answer(both: Both) -> None:
    failover = pb.StreamFailover(from_endpoint="fast", to_endpoint="slow", resumed_at=6)
    script = streams(
        STARTED,
        delta("return a"),
        pb.GenerateStreamResponse(sequence=9),
        pb.GenerateStreamResponse(failover=failover),
        delta(" a + b"),
        DONE,
    )
    with FakeGateway(GenerateStream=script) as gateway:
        events = both.collect(gateway.target, "stream", "x", language="python")
    assert [type(event).__name__ for event in events] == [
        "StreamStarted",
        "StreamDelta",
        "StreamFailover",
        "StreamDelta",
        "GenerateResponse",
    ]
    assert gateway.seen[0].request.request.hole.language == "python"


def test_a_stream_keeps_its_text() -> None:
    failover = pb.StreamFailover(from_endpoint="fast", to_endpoint="slow", resumed_at=6)
    script = streams(
        delta("return a"), pb.GenerateStreamResponse(failover=failover), delta(" b"), DONE
    )
    with (
        FakeGateway(GenerateStream=script) as gateway,
        Client(gateway.target) as client,
        client.stream("x", request_id="mine") as stream,
    ):
        assert (stream.text, stream.complete) == ("", False)
        next(stream)
        assert (stream.text, stream.complete) == ("return a", False)
        assert len(list(stream)) == 3
        assert (stream.text, stream.complete) == ("return b", True)
        assert stream.request_id == "mine"
        assert next(stream, None) is None


TRUNCATIONS = {
    "said so": fails(
        UNAVAILABLE, "broke", pb.FailureDetail(reason="STREAM_TRUNCATED", streamed_chars=6)
    ),
    "connection lost": fails(UNAVAILABLE, "Socket closed"),
    "end missing": None,
}


@pytest.mark.parametrize("cause", TRUNCATIONS)
def test_a_truncated_stream_is_never_an_answer(both: Both, cause: str) -> None:
    script = streams(STARTED, delta("return"), then=TRUNCATIONS[cause])
    with FakeGateway(GenerateStream=script) as gateway, pytest.raises(StreamTruncated) as caught:
        both.collect(gateway.target, "stream", "x", request_id="mine")
    error = caught.value
    assert error.partial_text == "return"
    assert error.reason == "STREAM_TRUNCATED"
    assert error.code is UNAVAILABLE
    assert error.request_id == "mine"
    assert "return" not in str(error)
    assert len(gateway.seen) == 1


def test_a_deadline_in_a_stream_keeps_the_text(both: Both) -> None:
    script = streams(STARTED, delta("return"), then=waits)
    with FakeGateway(GenerateStream=script) as gateway, pytest.raises(DeadlineExceeded) as caught:
        both.collect(gateway.target, "stream", "x", timeout=1)
    assert caught.value.partial_text == "return"


def test_a_stream_that_cannot_start_is_retried(both: Both) -> None:
    script = [streams(then=fails(UNAVAILABLE, "no")), streams(STARTED, DONE)]
    with FakeGateway(GenerateStream=script) as gateway:
        assert len(both.collect(gateway.target, "stream", "x")) == 2
    assert len(gateway.seen) == 2


def _leave_by_close(client: Client) -> None:
    stream = client.stream("x")
    next(stream)
    stream.close()


def _leave_by_with(client: Client) -> None:
    with client.stream("x") as stream:
        next(stream)


def _leave_by_break(client: Client) -> None:
    for _event in client.stream("x"):
        break
    gc.collect()


@pytest.mark.parametrize("leave", [_leave_by_close, _leave_by_with, _leave_by_break])
def test_leaving_a_stream_cancels_it_at_the_gateway(leave) -> None:
    with (
        FakeGateway(GenerateStream=streams(STARTED, then=waits)) as gateway,
        Client(gateway.target) as client,
    ):
        leave(client)
        assert gateway.seen[0].ended.wait(PATIENCE_S)


async def _aleave_by_aclose(client: AsyncClient) -> None:
    stream = client.stream("x")
    await anext(stream)
    await stream.aclose()


async def _aleave_by_with(client: AsyncClient) -> None:
    async with client.stream("x") as stream:
        await anext(stream)


async def _aleave_by_break(client: AsyncClient) -> None:
    async for _event in client.stream("x"):
        break
    gc.collect()


async def _aleave_by_cancel(client: AsyncClient) -> None:
    started = asyncio.Event()

    async def read() -> None:
        async for _event in client.stream("x"):
            started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "leave", [_aleave_by_aclose, _aleave_by_with, _aleave_by_break, _aleave_by_cancel]
)
async def test_leaving_an_async_stream_cancels_it_at_the_gateway(leave) -> None:
    with FakeGateway(GenerateStream=streams(STARTED, then=waits)) as gateway:
        async with AsyncClient(gateway.target) as client:
            await leave(client)
            assert await asyncio.to_thread(gateway.seen[0].ended.wait, PATIENCE_S)


async def test_cancelling_a_task_cancels_its_call_at_the_gateway() -> None:
    with FakeGateway(Generate=waits) as gateway:
        async with AsyncClient(gateway.target) as client:
            task = asyncio.create_task(client.generate("x"))
            await asyncio.to_thread(gateway.arrived.wait, PATIENCE_S)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(gateway.seen[0].ended.wait, PATIENCE_S)


async def _agenerate(client: AsyncClient) -> None:
    await client.generate("x")


async def _astream(client: AsyncClient) -> None:
    async for _event in client.stream("x"):
        pass


async def _abatch(client: AsyncClient) -> None:
    async for _result in client.batch(["x"]):
        pass


@pytest.mark.parametrize("ask", [_agenerate, _astream, _abatch])
async def test_closing_the_client_ends_its_calls_with_an_error(ask) -> None:
    scripts = {"Generate": waits, "GenerateStream": streams(then=waits)}
    with FakeGateway(**scripts, BatchGenerate=streams(then=waits)) as gateway:
        client = AsyncClient(gateway.target)
        task = asyncio.create_task(ask(client))
        await asyncio.to_thread(gateway.arrived.wait, PATIENCE_S)
        await client.close()
        with pytest.raises(Cancelled):
            await task


def test_closing_the_client_ends_a_blocked_call() -> None:
    caught: list[EnsembleError] = []
    with FakeGateway(Generate=waits) as gateway:
        client = Client(gateway.target)

        def ask() -> None:
            try:
                client.generate("x")
            except EnsembleError as error:
                caught.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert gateway.arrived.wait(PATIENCE_S)
        client.close()
        thread.join(PATIENCE_S)
    assert [type(error) for error in caught] == [Cancelled]
