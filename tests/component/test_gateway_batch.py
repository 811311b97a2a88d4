"""Many holes on one stream: every one answered once, in order, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import AsyncClient, GenerateResponse, Unavailable

from tests.fakes.gateways import Door, failure, gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Asked, Script

MIB = 1024 * 1024
IN_FLIGHT = 4


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


@pytest.fixture
async def door(model: FakeModelServer) -> AsyncIterator[Door]:
    settings = settings_of(model.url, server={"batch_in_flight": IN_FLIGHT})
    async with gateway_on_loopback(settings) as opened:
        yield opened


def numbered(count: int) -> Iterator[pb.BatchGenerateRequest]:
    for place in range(count):
        yield pb.BatchGenerateRequest(index=place, request=request(f"number {place}"))


async def test_answers_come_in_the_order_sent_whatever_ends_first(
    door: Door, model: FakeModelServer
) -> None:
    later = asyncio.Event()

    async def backwards(asked: Asked) -> None:
        if asked.before == "number 0":
            await later.wait()
        if asked.before == "number 3":
            later.set()

    model.hold = backwards
    answers = [answer async for answer in door.batch(numbered(10), timeout=10)]
    assert [answer.index for answer in answers] == list(range(10))
    assert {answer.response.endpoint for answer in answers} == {"a"}
    ids = {answer.response.request_id for answer in answers}
    assert len(ids) == 10


async def test_a_failure_is_an_answer_and_harms_no_other(
    door: Door, model: FakeModelServer
) -> None:
    sent = list(numbered(6))
    sent[1].request.prompt = ""
    sent[3].ClearField("request")
    sent[4].request.constraints.add(name="c").regex.pattern = "("
    answers = [answer async for answer in door.batch(iter(sent), timeout=10)]
    assert [answer.WhichOneof("result") for answer in answers] == [
        "response",
        "failure",
        "response",
        "failure",
        "failure",
        "response",
    ]
    assert [answer.index for answer in answers] == list(range(6))
    refused = [answers[place].failure for place in (1, 3, 4)]
    assert {failed.code for failed in refused} == {grpc.StatusCode.INVALID_ARGUMENT.value[0]}
    assert [failed.detail.violations[0].field for failed in refused] == [
        "request.prompt",
        "request",
        "constraints[0].regex.pattern",
    ]
    assert len(model.witness.asked) == 3


async def test_bytes_that_are_no_message_are_answered_too(door: Door) -> None:
    method = door.channel.stream_stream(
        "/ensemble.v1.GatewayService/BatchGenerate",
        response_deserializer=pb.BatchGenerateResponse.FromString,
    )
    good = pb.BatchGenerateRequest(index=7, request=request()).SerializeToString()
    sent = [b"\xff\xff\xff\xff", good]
    bad, answer = [one async for one in method(iter(sent), timeout=10)]
    assert bad.failure.detail.reason == "UNREADABLE_MESSAGE"
    assert answer.index == 7
    assert answer.response.endpoint == "a"


async def test_the_same_index_twice_is_two_requests(door: Door) -> None:
    sent = [pb.BatchGenerateRequest(index=5, request=request()) for _ in range(2)]
    answers = [answer async for answer in door.batch(iter(sent), timeout=10)]
    assert [answer.index for answer in answers] == [5, 5]


async def test_an_empty_batch_ends_at_once(door: Door) -> None:
    assert [answer async for answer in door.batch(iter(()), timeout=10)] == []


async def test_a_fast_sender_is_held_back(door: Door, model: FakeModelServer) -> None:
    """No more than the bound are asked at once, and no more is read than the windows hold."""
    release, sent = asyncio.Event(), 0
    model.hold = lambda _: release.wait()

    async def fast() -> AsyncIterator[pb.BatchGenerateRequest]:
        nonlocal sent
        for place in range(200):
            yield pb.BatchGenerateRequest(index=place, request=request("x" * (MIB // 4)))
            sent += 1

    following = asyncio.create_task(indices(door, fast()))
    seen = -1
    while seen != sent or len(model.witness.asked) < IN_FLIGHT:
        seen = sent
        for _ in range(30):
            await door.route(pb.RouteRequest(request=request()), timeout=10)
    assert len(model.witness.asked) == IN_FLIGHT
    assert sent * MIB // 4 < 25 * MIB
    release.set()
    async with asyncio.timeout(30):
        assert await following == list(range(200))


async def indices(door: Door, sent: AsyncIterator[pb.BatchGenerateRequest]) -> list[int]:
    return [answer.index async for answer in door.batch(sent, timeout=50)]


async def test_a_sender_who_leaves_in_the_middle_frees_the_endpoint(
    door: Door, model: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    model.script.hang = True
    never = asyncio.Event()

    async def half() -> AsyncIterator[pb.BatchGenerateRequest]:
        for one in numbered(2):
            yield one
        await never.wait()

    call = door.batch(half(), timeout=30)
    async with asyncio.timeout(10):
        await model.witness.started.wait()
        call.cancel()
        await model.witness.left.wait()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_reader_who_leaves_in_the_middle_frees_the_endpoint(
    door: Door, model: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway is stuck in a write of a large answer then."""
    model.script.pieces = ("x" * (MIB // 2),) * 8

    async def last_hangs(asked: Asked) -> None:
        if asked.before == "number 3":
            await asyncio.Event().wait()

    model.hold = last_hangs
    call = door.batch(numbered(4), timeout=30)
    async with asyncio.timeout(10):
        await call.read()
        while len(model.witness.asked) < 4:
            await door.route(pb.RouteRequest(request=request()), timeout=10)
        call.cancel()
        await model.witness.left.wait()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_the_trailers_name_the_batch(door: Door) -> None:
    metadata = (("x-request-id", "mine"),)
    call = door.batch(numbered(2), timeout=10, metadata=metadata)
    answers = [answer async for answer in call]
    assert [answer.response.request_id for answer in answers] == ["mine-0", "mine-1"]
    assert {key: value for key, value in await call.trailing_metadata()} == {"x-request-id": "mine"}  # noqa: C416 - grpc's Metadata is no mapping to dict()


async def test_a_bug_around_the_batch_is_internal_with_details(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("the-secret-prompt")

    monkeypatch.setattr("gateway.ingress.grpc_server.answer_in_order", broken)
    failed = await failure(door.batch(timeout=10).read())
    assert (failed.code, failed.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_ERROR")
    assert "the-secret-prompt" not in str(failed)


async def test_the_sdk_yields_answers_and_errors_as_values(door: Door) -> None:
    async with AsyncClient(door.target) as client:
        results = [one async for one in client.batch(["x = ", "y = ", "z = "], timeout=10)]
    assert [one.endpoint for one in results if isinstance(one, GenerateResponse)] == ["a"] * 3


async def test_the_sdk_raises_when_the_gateway_is_gone(model: FakeModelServer) -> None:
    async with gateway_on_loopback(settings_of(model.url)) as door:
        target = door.target
    async with AsyncClient(target) as client:
        with pytest.raises(Unavailable):
            _ = [one async for one in client.batch(["x = "], timeout=10)]
