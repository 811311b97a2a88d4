"""Batches of both clients on one stream, in order, against a scripted gateway."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import (
    AsyncClient,
    Client,
    FailedPrecondition,
    GenerateRequest,
    Internal,
    InvalidRequest,
    StreamTruncated,
    errors,
)

from tests.fakes.both_clients import Both
from tests.fakes.gateway_server import (
    DETAIL,
    PATIENCE_S,
    FakeGateway,
    fails,
    streams,
)


def _batch(requests: Iterator[pb.BatchGenerateRequest], _context: object) -> Iterator[object]:
    """Answer each request with its prompt; refuse one without a prompt."""
    for request in requests:
        response = pb.BatchGenerateResponse(index=request.index)
        if request.request.prompt:
            response.response.text = request.request.prompt
        else:
            response.failure.code = 3
            response.failure.message = "prompt: is empty"
            response.failure.detail.reason = "INVALID_FIELD"
        yield response


def test_a_batch_gives_one_result_for_each_request_in_order(both: Both) -> None:
    requests = ["a", GenerateRequest(prompt="b"), "", "x" * 3_000_000, "c"]
    with FakeGateway(BatchGenerate=_batch) as gateway:
        a, b, empty, oversized, c = both.collect(gateway.target, "batch", requests)
    assert (a.text, b.text, c.text) == ("a", "b", "c")
    assert isinstance(empty, errors.InvalidArgument)
    assert empty.reason == "INVALID_FIELD"
    assert isinstance(oversized, InvalidRequest)
    assert oversized.violations[0].field == "prompt"
    assert [len(request.request.prompt) for request in gateway.seen[0].requests] == [1, 1, 0, 0, 1]


def test_an_empty_batch_gives_nothing(both: Both) -> None:
    with FakeGateway(BatchGenerate=_batch) as gateway:
        assert both.collect(gateway.target, "batch", []) == []


class BrokenSourceError(Exception):
    pass


def _broken() -> Iterator[str]:
    yield "a"
    raise BrokenSourceError


def test_an_error_of_the_requests_comes_after_the_results_before_it(both: Both) -> None:
    with FakeGateway(BatchGenerate=_batch) as gateway:
        with pytest.raises(BrokenSourceError):
            both.collect(gateway.target, "batch", _broken())
        with Client(gateway.target) as client:
            results = client.batch(_broken())
            assert next(results).text == "a"


async def test_a_batch_may_come_from_an_asynchronous_iterable() -> None:
    async def requests() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    with FakeGateway(BatchGenerate=_batch) as gateway:
        async with AsyncClient(gateway.target) as client:
            assert [result.text async for result in client.batch(requests())] == ["a", "b"]


def _first_only(requests: Iterator[pb.BatchGenerateRequest], _context: object) -> Iterator[object]:
    yield from itertools.islice(_batch(requests, _context), 1)
    list(requests)


def test_a_batch_with_answers_missing_is_an_error(both: Both) -> None:
    with FakeGateway(BatchGenerate=_first_only) as gateway, pytest.raises(StreamTruncated):
        both.collect(gateway.target, "batch", ["a", "b"])


def _swapped(requests: Iterator[pb.BatchGenerateRequest], context: object) -> Iterator[object]:
    yield from reversed(list(_batch(requests, context)))


def test_a_batch_out_of_order_is_an_error(both: Both) -> None:
    with FakeGateway(BatchGenerate=_swapped) as gateway, pytest.raises(Internal):
        both.collect(gateway.target, "batch", ["a", "b"])


def test_a_batch_that_fails_as_a_whole_raises(both: Both) -> None:
    refuse = fails(grpc.StatusCode.FAILED_PRECONDITION, "no", DETAIL)

    # Reads everything first: grpc.aio loses the status of a call that ends during a write.
    def read_then_refuse(requests: Any, context: grpc.ServicerContext) -> None:
        assert len(list(requests)) == 1
        refuse(requests, context)

    failing = streams(then=read_then_refuse)
    with FakeGateway(BatchGenerate=failing) as gateway, pytest.raises(FailedPrecondition) as caught:
        both.collect(gateway.target, "batch", ["a"])
    assert caught.value.attempts


def test_leaving_a_batch_cancels_it_at_the_gateway() -> None:
    with FakeGateway(BatchGenerate=_batch) as gateway, Client(gateway.target) as client:
        results = client.batch(f"{number}" for number in itertools.count())
        assert next(results).text == "0"
        results.close()
        assert gateway.seen[0].ended.wait(PATIENCE_S)


async def test_leaving_an_async_batch_cancels_it_at_the_gateway() -> None:
    with FakeGateway(BatchGenerate=_batch) as gateway:
        async with AsyncClient(gateway.target) as client:
            results = client.batch(f"{number}" for number in itertools.count())
            assert (await anext(results)).text == "0"
            await results.aclose()
            assert await asyncio.to_thread(gateway.seen[0].ended.wait, PATIENCE_S)
