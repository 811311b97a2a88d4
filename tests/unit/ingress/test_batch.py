from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.ingress.batch import answer_in_order


async def numbers(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield str(number).encode()


async def test_answers_keep_the_order_whatever_finishes_first() -> None:
    release = [asyncio.Event() for _ in range(4)]
    for event in reversed(release):
        event.set()

    async def answer(raw: bytes) -> bytes:
        for _ in range(8 - 2 * int(raw)):
            await asyncio.sleep(0)
        return raw

    assert [r async for r in answer_in_order(numbers(4), answer, 4)] == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize("in_flight", [1, 2, 5])
async def test_no_more_than_the_bound_are_worked_on_at_once(in_flight: int) -> None:
    running = highest = 0

    async def answer(raw: bytes) -> bytes:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return raw

    got = [r async for r in answer_in_order(numbers(20), answer, in_flight)]
    assert len(got) == 20
    assert highest <= in_flight


async def test_leaving_the_stream_cancels_what_runs() -> None:
    cancelled = 0
    hang = asyncio.Event()

    async def answer(raw: bytes) -> bytes:
        nonlocal cancelled
        if raw == b"0":
            return raw
        try:
            await hang.wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise
        return raw

    stream = answer_in_order(numbers(4), answer, 4)
    assert await anext(stream) == b"0"
    await asyncio.sleep(0)
    await stream.aclose()
    assert cancelled >= 1


async def test_a_broken_request_stream_breaks_the_answers() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"0"
        raise ConnectionError("gone")

    async def answer(raw: bytes) -> bytes:
        return raw

    with pytest.raises(ConnectionError):
        _ = [r async for r in answer_in_order(broken(), answer, 2)]


async def test_an_empty_batch_has_no_answers() -> None:
    async def answer(raw: bytes) -> bytes:
        return raw

    assert [r async for r in answer_in_order(numbers(0), answer, 2)] == []
