"""The fake gateway answers as a real one does: the same calls, the same kinds of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import AsyncClient, EnsembleError
from ensemble_client.testing import Failure, FakeGateway
from google.protobuf.message import Message

from tests.fakes.gateways import gateway_on_loopback, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script

TEXT = "left + right"
STREAMS: dict[str, Any] = {
    "stream": lambda client: client.stream("x = ", language="python"),
    "refine": lambda client: client.refine("x = <<a>>\n", ["a"], language="python"),
    "run_pipeline": lambda client: client.run_pipeline("draft_only", "x = "),
}


@pytest.fixture(scope="module")
async def real() -> AsyncIterator[AsyncClient]:
    async with (
        FakeModelServer(Script(pieces=("left ", "+ ", "right"))) as server,
        gateway_on_loopback(settings_of(server.url)) as door,
        AsyncClient(door.target, timeout=10) as client,
    ):
        yield client


@pytest.fixture
async def faked() -> AsyncIterator[AsyncClient]:
    with FakeGateway(TEXT) as fake:
        async with fake.async_client() as client:
            yield client


def fields(message: Message) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


async def events(client: AsyncClient, method: str) -> list[Message]:
    return [event async for event in STREAMS[method](client)]


@pytest.mark.parametrize("method", STREAMS)
async def test_events_come_in_the_order_of_a_real_gateway(
    method: str, real: AsyncClient, faked: AsyncClient
) -> None:
    theirs, ours = [await events(client, method) for client in (real, faked)]
    assert [type(ours[place]) for place in (0, -1)] == [type(theirs[place]) for place in (0, -1)]
    # A real one also tells of checks, and of a hole before it is tried.
    assert {type(event) for event in ours} <= {type(event) for event in theirs}
    assert fields(ours[-1]) <= fields(theirs[-1])


async def test_an_answer_has_no_field_that_a_real_one_lacks(
    real: AsyncClient, faked: AsyncClient
) -> None:
    theirs, ours = [await client.generate("x = ", request_id="r") for client in (real, faked)]
    assert (ours.text, ours.request_id, ours.finish_reason) == (
        theirs.text,
        theirs.request_id,
        theirs.finish_reason,
    )
    assert fields(ours) <= fields(theirs)
    assert fields(ours.decision) <= fields(theirs.decision)
    assert fields(ours.attempts[0]) <= fields(theirs.attempts[0])


async def test_a_batch_names_its_results_as_a_real_gateway_does(
    real: AsyncClient, faked: AsyncClient
) -> None:
    for client in (real, faked):
        results = [one.request_id async for one in client.batch(["x = ", "y = "], batch_id="n")]
        assert results == ["n-0", "n-1"]


async def test_a_failure_reads_like_that_of_a_real_gateway(real: AsyncClient) -> None:
    wrong = pb.GenerateRequest(prompt="x", n=999, request_id="mine")
    with pytest.raises(EnsembleError) as theirs:
        await real.generate(wrong)
    said = pb.FailureDetail(violations=theirs.value.violations)
    failure = Failure(reason="INVALID_FIELD", message=theirs.value.message, detail=said)
    with FakeGateway(failure) as fake:
        async with fake.async_client() as client:
            with pytest.raises(type(theirs.value)) as ours:
                await client.generate(wrong)
    assert str(ours.value) == str(theirs.value)
    assert (ours.value.code, ours.value.reason) == (theirs.value.code, theirs.value.reason)
