"""Type-checked, never run: batches of programs, and how their authors test them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import assert_type

import grpc
from ensemble_client import (
    AsyncClient,
    BatchOptions,
    BatchProgress,
    BatchResult,
    CallOptions,
    Client,
    GenerateRequest,
    GenerateResponse,
    Job,
)
from ensemble_client.testing import Answer, Failure, FakeGateway, Hold, RecordedCall, Reply
from google.protobuf.message import Message


def sync_batch(client: Client, options: BatchOptions, done: set[str]) -> None:
    """Every option of a batch with the blocking client."""

    def told(progress: BatchProgress) -> None:
        assert_type(progress.total, int | None)
        assert_type(progress.done + progress.failed + progress.skipped, int)

    results = client.batch(
        (f"{number}" for number in range(9)),
        concurrency=4,
        ordered=False,
        progress=told,
        batch_id="nightly",
        skip=done,
        timeout=9,
    )
    assert_type(results, Generator[BatchResult])
    done |= {result.request_id for result in results}
    assert_type(client.batch([], **options), Generator[BatchResult])


async def async_batch(client: AsyncClient, holes: AsyncIterator[str]) -> None:
    """The options of a batch with the asyncio client."""
    batch = client.batch(holes, ordered=False, progress=None, metadata={"a": "b"})
    assert_type(batch, AsyncGenerator[BatchResult])
    assert_type([result.request_id async for result in batch], list[str])


def testing_of_programs(done: CallOptions) -> None:
    """What the fake gateway takes and what it tells."""

    def computed(request: GenerateRequest) -> Answer:
        return Reply(request.prompt, pieces=(request.prompt,))

    hold = Hold(Failure(reason="UNKNOWN_JOB", code=grpc.StatusCode.NOT_FOUND), after=1)
    with FakeGateway("a", computed, hold, GenerateResponse(), Reply("b", cut=True)) as fake:
        assert_type(fake, FakeGateway)
        fake.answers(Failure(code=grpc.StatusCode.INTERNAL, pieces=("a",), retried=True))
        fake.on("ListJobs", Failure(reason="STORE_UNAVAILABLE"), lambda asked: asked)
        fake.on("WatchJob", [Job()])
        client = fake.client(tenant="t", token=None, metadata={"a": "b"})
        assert_type(client, Client)
        client.generate("x", endpoints=("fast",), **done)
        assert_type(fake.async_client(timeout=1), AsyncClient)
        hold.wait(timeout=1)
        hold.release()
        hold.gone()
        assert_type(fake.requests, list[GenerateRequest])
        assert_type(fake.calls, list[RecordedCall])
        assert_type(fake.calls[0].timeout, float | None)
        assert_type(fake.calls[0].request, Message)
