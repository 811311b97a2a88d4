from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from gateway.core.stores import StoreError
from gateway.stores.worker import Worker

PATIENCE_S = 20.0
AT_ONCE_S = 0.01


class Hang:
    """Work that has begun when `begun` is set, and ends once `go` is."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(PATIENCE_S)
        return "ended"


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("the disk", 2)
    yield worker
    await worker.close(lambda: None, PATIENCE_S)


@pytest.fixture
async def hang(worker: Worker) -> AsyncIterator[Hang]:
    """What holds the worker until the end of the test."""
    hang = Hang()
    held = asyncio.create_task(worker.run(hang, PATIENCE_S))
    await asyncio.to_thread(hang.begun.wait, PATIENCE_S)
    yield hang
    hang.go.set()
    assert await held == "ended"


async def test_all_work_is_done_by_one_thread_in_the_order_asked_for(worker: Worker) -> None:
    done: list[tuple[int, str]] = []

    def work(number: int) -> int:
        done.append((number, threading.current_thread().name))
        return number

    found = [await worker.run(lambda number=number: work(number), 5.0) for number in range(3)]
    assert found == [0, 1, 2]
    assert done == [(number, "the disk") for number in range(3)]


async def test_what_the_work_raises_is_raised_and_the_next_is_done(worker: Worker) -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await worker.run(fail, PATIENCE_S)
    assert await worker.run(lambda: 1, PATIENCE_S) == 1


async def test_work_that_waits_too_long_is_not_done(worker: Worker, hang: Hang) -> None:
    done: list[int] = []
    with pytest.raises(StoreError, match=r"^the disk did not answer within 0.01 s$") as caught:
        await worker.run(lambda: done.append(1), AT_ONCE_S)
    assert caught.value.retryable
    hang.go.set()
    assert await worker.run(lambda: list(done), PATIENCE_S) == []


async def test_the_end_of_work_that_nobody_waits_for_is_forgotten(worker: Worker) -> None:
    hang = Hang()
    with pytest.raises(StoreError):
        await worker.run(hang, AT_ONCE_S)
    hang.go.set()
    assert await worker.run(lambda: 1, PATIENCE_S) == 1


async def test_no_more_than_the_limit_waits(worker: Worker, hang: Hang) -> None:
    waiting = [asyncio.create_task(worker.run(lambda: 1, PATIENCE_S)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="too much to do") as caught:
        await worker.run(lambda: 1, PATIENCE_S)
    assert caught.value.retryable
    hang.go.set()
    assert await asyncio.gather(*waiting) == [1, 1]


async def test_work_that_was_given_up_takes_room_until_its_turn(worker: Worker, hang: Hang) -> None:
    """Otherwise a disk that hangs for hours would gather work without end."""
    for _ in range(2):
        with pytest.raises(StoreError, match="did not answer"):
            await worker.run(lambda: 1, AT_ONCE_S)
    with pytest.raises(StoreError, match="too much to do"):
        await worker.run(lambda: 1, AT_ONCE_S)


async def test_closing_finishes_what_waits_even_when_all_room_is_taken() -> None:
    worker, hang = Worker("the disk", 1), Hang()
    done: list[str] = []
    held = asyncio.create_task(worker.run(hang, PATIENCE_S))
    await asyncio.to_thread(hang.begun.wait, PATIENCE_S)
    waits = asyncio.create_task(worker.run(lambda: done.append("waited"), PATIENCE_S))
    await asyncio.sleep(0)
    closing = asyncio.create_task(worker.close(lambda: done.append("last"), PATIENCE_S))
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="is closed"):
        await worker.run(lambda: 1, PATIENCE_S)
    hang.go.set()
    await asyncio.gather(held, waits, closing)
    assert done == ["waited", "last"]
    assert "the disk" not in {thread.name for thread in threading.enumerate()}
    await worker.close(lambda: done.append("again"), PATIENCE_S)
    assert done == ["waited", "last"]


async def test_closing_gives_up_on_a_disk_that_hangs() -> None:
    worker, hang = Worker("the hung disk", 1), Hang()
    ended = threading.Event()
    held = asyncio.create_task(worker.run(hang, PATIENCE_S))
    await asyncio.to_thread(hang.begun.wait, PATIENCE_S)
    await worker.close(ended.set, AT_ONCE_S)
    assert not ended.is_set()
    hang.go.set()
    await held
    assert await asyncio.to_thread(ended.wait, PATIENCE_S)


async def test_closing_raises_what_the_last_work_raises() -> None:
    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await Worker("the disk", 1).close(fail, PATIENCE_S)
