"""A stream of events over ASGI: who reads slowly, leaves, or is one too many."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.core.faults import invalid
from gateway.ingress.dashboard.stream import (
    BEAT_S,
    LONGEST_S,
    SEND_S,
    EventStream,
    Streams,
    event,
)
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.fakes.watched import no_task_left


class Reader:
    """The other side of a stream; `takes` says when it does not take the next message."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.gone = asyncio.Event()
        self.asked = False

    async def send(self, message: Any) -> None:
        await self.takes.wait()
        self.got.append(message)

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request"}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def text(self) -> str:
        return b"".join(one.get("body", b"") for one in self.got).decode()

    @property
    def finished(self) -> bool:
        return self.got[-1]["type"] == "http.response.body" and "more_body" not in self.got[-1]


class Case:
    """Streams of one event every second, or as told, which counts up."""

    def __init__(self, most: int = 2, every_s: float = 1.0) -> None:
        self.every_s = every_s
        self.clock = VirtualClock()
        self.streams = Streams(most)
        self.rendered = 0

    async def page(self) -> str:
        self.rendered += 1
        return f"{self.rendered}"

    def open(self) -> tuple[Reader, asyncio.Task[None]]:
        reader = Reader()
        stream = EventStream(self.streams, self.page, self.every_s)
        return reader, asyncio.create_task(stream({}, reader.receive, reader.send))

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        async def all_ended() -> None:
            async with no_task_left():
                await main
            assert self.streams.running == 0

        run_virtual(self.clock, all_ended())


def test_an_event_is_lines_of_data() -> None:
    assert event("view", "<p>\r\nx\n</p>") == b"event: view\ndata: <p>\ndata: x\ndata: </p>\n\n"
    assert event("late", "\ud800") == b"event: late\ndata: ?\n\n"


def test_events_come_until_the_reader_leaves() -> None:
    case = Case()

    async def main() -> None:
        reader, stream = case.open()
        await asyncio.sleep(2.5)
        assert reader.text == "".join(f"event: view\ndata: {number}\n\n" for number in (1, 2, 3))
        reader.gone.set()
        await stream

    case.run(main())


def test_a_stream_with_little_to_tell_is_never_silent_for_long() -> None:
    case = Case(every_s=BEAT_S * 2.5)

    async def main() -> None:
        reader, stream = case.open()
        await asyncio.sleep(BEAT_S * 3)
        beat = "event: beat\ndata: .\n\n"
        assert reader.text == f"event: view\ndata: 1\n\n{beat * 2}event: view\ndata: 2\n\n"
        reader.gone.set()
        await stream

    case.run(main())


def test_a_slow_reader_gets_fewer_events_and_never_more_than_one_waits() -> None:
    case = Case()

    async def main() -> None:
        reader, stream = case.open()
        await asyncio.sleep(0.5)
        reader.takes.clear()
        await asyncio.sleep(SEND_S - 0.1)
        assert case.rendered == 2
        reader.takes.set()
        await asyncio.sleep(1.5)
        assert case.rendered == 3
        reader.gone.set()
        await stream

    case.run(main())


def test_a_reader_that_takes_nothing_is_left() -> None:
    case = Case()

    async def main() -> None:
        reader, stream = case.open()
        await asyncio.sleep(0.5)
        reader.takes.clear()
        began = case.clock()
        await stream
        assert case.clock() - began == pytest.approx(0.5 + SEND_S + 0.5)
        assert not reader.finished

    case.run(main())


def test_there_are_never_more_than_so_many_and_a_place_comes_free() -> None:
    case = Case(most=2)

    async def main() -> None:
        opened = [case.open() for _ in range(2)]
        await asyncio.sleep(0)
        refused, stream = case.open()
        await stream
        assert refused.got[0]["status"] == 503
        assert refused.text.count("\n") == 1
        assert refused.finished
        opened[0][0].gone.set()
        await opened[0][1]
        reader, stream = case.open()
        await asyncio.sleep(0.5)
        assert reader.got[0]["status"] == 200
        for other, task in (opened[1], (reader, stream)):
            other.gone.set()
            await task

    case.run(main())


@pytest.mark.parametrize("stuck", [False, True])
def test_closing_ends_all_at_once_even_those_that_are_stuck(stuck: bool) -> None:
    case = Case()

    async def main() -> None:
        (reader, stream), (other, second) = case.open(), case.open()
        await asyncio.sleep(0.5)
        if stuck:
            reader.takes.clear()
            await asyncio.sleep(1)
        began = case.clock()
        case.streams.close()
        case.streams.close()
        await asyncio.gather(stream, second)
        assert case.clock() - began <= 0.5
        assert (reader.finished, other.finished) == (not stuck, True)
        refused, stream = case.open()
        await stream
        assert refused.got[0]["status"] == 503

    case.run(main())


def test_what_cannot_be_shown_is_said_and_the_stream_goes_on() -> None:
    case = Case()
    problems = [TimeoutError(), invalid("window", "must be less"), None]

    async def page() -> str:
        problem = problems.pop(0)
        if problem is not None:
            raise problem
        return "again"

    case.page = page  # type: ignore[method-assign]

    async def main() -> None:
        reader, stream = case.open()
        await asyncio.sleep(2.5)
        assert reader.text == (
            "event: late\ndata: the numbers took too long to gather\n\n"
            "event: late\ndata: window: must be less\n\n"
            "event: view\ndata: again\n\n"
        )
        reader.gone.set()
        await stream

    case.run(main())


def test_a_bug_ends_the_stream_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    case = Case()

    async def page() -> str:
        raise KeyError("oops")

    case.page = page  # type: ignore[method-assign]

    async def main() -> None:
        reader, stream = case.open()
        await stream
        assert reader.finished

    case.run(main())
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("dashboard stream", "ERROR")


def test_no_stream_lasts_for_ever() -> None:
    case = Case()

    async def main() -> None:
        reader, stream = case.open()
        began = case.clock()
        await stream
        assert case.clock() - began == pytest.approx(LONGEST_S)
        assert reader.finished

    case.run(main())
