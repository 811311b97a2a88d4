"""Batches of any length: bounded, followed, resumed, in order or as they come, by both clients."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import (
    BatchProgress,
    Cancelled,
    DeadlineExceeded,
    EnsembleError,
    GenerateRequest,
    InvalidRequest,
    ResourceExhausted,
    Unavailable,
)
from ensemble_client.testing import Failure, FakeGateway, Hold

from tests.fakes.both_clients import Both

PATIENCE_S = 10
ANY_ORDER = pytest.mark.parametrize("ordered", [True, False], ids=["in order", "as they come"])


def echo(request: GenerateRequest) -> str:
    return request.prompt


def refuse_b(request: GenerateRequest) -> Any:
    return Failure(reason="BUDGET_EXHAUSTED") if request.prompt == "b" else request.prompt


@ANY_ORDER
def test_every_request_has_one_result_that_names_it(both: Both, ordered: bool) -> None:
    requests = ["a", GenerateRequest(prompt="b", request_id="mine"), "\ud800", "d"]
    with FakeGateway(refuse_b) as fake:
        results = both.collect(fake.target, "batch", requests, ordered=ordered, batch_id="n")
    by_id = {result.request_id: result for result in results}
    assert sorted(by_id) == ["mine", "n-0", "n-2", "n-3"]
    assert isinstance(by_id["mine"], ResourceExhausted)
    assert isinstance(by_id["n-2"], InvalidRequest)
    assert (by_id["n-0"].text, by_id["n-3"].text) == ("a", "d")
    if ordered:
        assert list(by_id) == ["n-0", "mine", "n-2", "n-3"]


@ANY_ORDER
def test_requests_of_a_named_batch_are_idempotent_and_the_callers_stay_as_they_are(
    both: Both, ordered: bool
) -> None:
    own = GenerateRequest(prompt="a")
    with FakeGateway(echo) as fake:
        both.collect(fake.target, "batch", [own, "b"], ordered=ordered, batch_id="n")
        [unnamed] = both.collect(fake.target, "batch", ["c"], ordered=ordered)
    assert sorted(one.request_id for one in fake.requests) == ["", "n-0", "n-1"]
    assert own == GenerateRequest(prompt="a")
    assert unnamed.request_id.endswith("-0")


@ANY_ORDER
def test_a_batch_goes_on_where_it_was_left(both: Both, ordered: bool) -> None:
    seen: list[BatchProgress] = []
    with FakeGateway(echo) as fake:
        results = both.collect(
            fake.target,
            "batch",
            ["a", "b", GenerateRequest(prompt="c", request_id="mine"), "d"],
            ordered=ordered,
            batch_id="n",
            skip={"n-0", "mine"},
            progress=seen.append,
        )
    assert sorted(result.text for result in results) == ["b", "d"]
    assert sorted(one.request_id for one in fake.requests) == ["n-1", "n-3"]
    assert (seen[-1].done, seen[-1].skipped) == (2, 2)


@ANY_ORDER
def test_the_progress_is_told_with_each_result(both: Both, ordered: bool) -> None:
    seen: list[BatchProgress] = []
    with FakeGateway(refuse_b) as fake:
        for requests in (["a", "b"], (prompt for prompt in "a")):
            both.collect(
                fake.target, "batch", requests, ordered=ordered, progress=seen.append, concurrency=1
            )
    assert [(one.done, one.failed, one.total) for one in seen] == [
        (1, 0, 2),
        (2, 1, 2),
        (1, 0, None),
    ]


@ANY_ORDER
def test_what_the_progress_raises_ends_the_batch(both: Both, ordered: bool) -> None:
    def stop(progress: BatchProgress) -> None:
        if progress.done == 2:
            raise KeyError(progress.done)

    endless = (f"{number}" for number in itertools.count())
    with FakeGateway(echo) as fake, pytest.raises(KeyError):
        both.collect(fake.target, "batch", endless, ordered=ordered, progress=stop)


def counted(read: list[int], most: int = 10_000) -> Iterator[str]:
    for number in range(most):
        read.append(number)
        yield f"{number}"


@ANY_ORDER
@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_is_read_than_may_be_unanswered(
    both: Both, ordered: bool, concurrency: int
) -> None:
    """A list of any length takes the memory of `concurrency` requests and results."""
    read: list[int] = []
    ahead: list[int] = []

    def note(progress: BatchProgress) -> None:
        ahead.append(len(read) - progress.done)

    with FakeGateway(echo) as fake:
        results = both.collect(
            fake.target,
            "batch",
            counted(read, 60),
            ordered=ordered,
            concurrency=concurrency,
            progress=note,
        )
    assert len(results) == 60
    # The one that just was answered is counted; its successor may have been read since.
    assert max(ahead) <= concurrency


@ANY_ORDER
def test_an_error_of_the_requests_comes_after_the_results_before_it(
    both: Both, ordered: bool
) -> None:
    seen: list[BatchProgress] = []

    def broken() -> Iterator[str]:
        yield "a"
        yield "b"
        raise KeyError("mine")

    with FakeGateway(echo) as fake, pytest.raises(KeyError):
        both.collect(fake.target, "batch", broken(), ordered=ordered, progress=seen.append)
    assert len(seen) == 2


@pytest.mark.parametrize("concurrency", [0, -1, 1025])
def test_a_bad_concurrency_is_refused(both: Both, concurrency: int) -> None:
    with FakeGateway() as fake, pytest.raises(InvalidRequest, match="concurrency: must be 1 to"):
        both.collect(fake.target, "batch", ["a"], concurrency=concurrency)
    assert fake.calls == []


def held_a(hold: Hold) -> Any:
    return lambda request: hold if request.prompt == "a" else request.prompt


def test_a_slow_request_holds_up_no_other_when_they_come_as_they_are_ready() -> None:
    hold = Hold("slow")
    with FakeGateway(held_a(hold)) as fake:
        results = fake.client().batch("abcd", ordered=False, concurrency=2)
        assert sorted(next(results).text for _ in range(3)) == ["b", "c", "d"]
        hold.release()
        assert [result.text for result in results] == ["slow"]


async def test_a_slow_request_holds_up_no_other_of_the_async_client() -> None:
    hold = Hold("slow")
    with FakeGateway(held_a(hold)) as fake:
        async with fake.async_client() as client:
            results = client.batch("abcd", ordered=False, concurrency=2)
            assert sorted([(await anext(results)).text for _ in range(3)]) == ["b", "c", "d"]
            hold.release()
            assert [result.text async for result in results] == ["slow"]


def test_a_request_is_the_same_however_it_is_sent(both: Both) -> None:
    """Else the gateway refuses the rest of a batch that goes on in the other way.

    Nobody waits for a request of a batch, unless it says so.
    """
    requests = ["a", GenerateRequest(prompt="b", priority=pb.PRIORITY_INTERACTIVE)]
    with FakeGateway(echo) as fake:
        for ordered in (True, False):
            both.collect(
                fake.target, "batch", requests, ordered=ordered, concurrency=1, batch_id="n"
            )
    a, b, *again = fake.requests
    assert again == [a, b]
    assert (a.priority, b.priority) == (pb.PRIORITY_BATCH, pb.PRIORITY_INTERACTIVE)


def test_leaving_a_batch_cancels_everything_that_runs() -> None:
    hold = Hold()
    with FakeGateway(held_a(hold)) as fake:
        results = fake.client().batch("abc", ordered=False, concurrency=2)
        assert next(results).text == "b"
        hold.wait()
        results.close()
        assert all(call.ended.wait(PATIENCE_S) for call in fake.calls)


async def test_leaving_an_async_batch_cancels_everything_that_runs() -> None:
    hold = Hold()
    with FakeGateway(held_a(hold)) as fake:
        async with fake.async_client() as client:
            results = client.batch("abc", ordered=False, concurrency=2)
            assert (await anext(results)).text == "b"
            await asyncio.to_thread(hold.wait)
            await results.aclose()
            for call in fake.calls:
                assert await asyncio.to_thread(call.ended.wait, PATIENCE_S)


async def test_cancelling_the_task_of_a_batch_cancels_everything_that_runs() -> None:
    hold = Hold()
    with FakeGateway(hold) as fake:
        async with fake.async_client() as client:

            async def work() -> list[Any]:
                return [result async for result in client.batch("ab", ordered=False)]

            task = asyncio.create_task(work())
            await asyncio.to_thread(hold.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for call in fake.calls:
                assert await asyncio.to_thread(call.ended.wait, PATIENCE_S)


def test_leaving_a_stream_that_waits_for_room_ends_its_thread() -> None:
    before = set(threading.enumerate())
    hold = Hold()
    with FakeGateway(hold) as fake:
        client = fake.client()
        results = client.batch("abc", concurrency=1)

        def take() -> None:
            with pytest.raises(Cancelled):
                next(results)

        taking = threading.Thread(target=take)
        taking.start()
        hold.wait()
        client.close()
        taking.join()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_each_request_fails_by_itself_when_nobody_listens(both: Both) -> None:
    with FakeGateway() as fake:
        target = fake.target
    results = both.collect(target, "batch", "ab", ordered=False, timeout=5)
    assert [type(result) for result in results] == [Unavailable, Unavailable]


def test_the_time_of_a_batch_ends_it(both: Both) -> None:
    hold = Hold()
    seen: list[BatchProgress] = []
    with FakeGateway(hold) as fake, pytest.raises(DeadlineExceeded, match="after 1 results"):
        both.collect(
            fake.target,
            "batch",
            "abc",
            ordered=False,
            concurrency=1,
            timeout=0.3,
            progress=seen.append,
        )
    assert [one.failed for one in seen] == [1]


async def test_closing_the_client_under_a_batch_is_an_error_of_each_request() -> None:
    hold = Hold()
    with FakeGateway(hold) as fake:
        client = fake.async_client()

        async def work() -> list[Any]:
            return [result async for result in client.batch("a", ordered=False)]

        task = asyncio.create_task(work())
        await asyncio.to_thread(hold.wait)
        await client.close()
        assert [type(result) for result in await task] == [Cancelled]


def test_closing_the_blocking_client_under_a_batch_is_an_error_of_each_request() -> None:
    hold = Hold()
    found: list[Any] = []
    with FakeGateway(hold) as fake:
        client = fake.client()
        batch = client.batch("a", ordered=False)
        taking = threading.Thread(target=lambda: found.extend(batch))
        taking.start()
        hold.wait()
        client.close()
        taking.join()
    assert [type(result) for result in found] == [Cancelled]
    assert isinstance(found[0], EnsembleError)


@ANY_ORDER
async def test_requests_may_come_from_an_asynchronous_iterable(ordered: bool) -> None:
    async def requests() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    with FakeGateway(echo) as fake:
        async with fake.async_client() as client:
            batch = client.batch(requests(), ordered=ordered, concurrency=1)
            assert [result.text async for result in batch] == ["a", "b"]
