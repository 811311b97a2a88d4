from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.events import Delta, Event
from gateway.core.exchange import Exchange
from gateway.core.machine import targets
from gateway.state.replays import (
    ENTRY_BYTES,
    INITIAL,
    LOGPROB_BYTES,
    TRANSITIONS,
    Replays,
    ReplaySettings,
)
from gateway.state.shared_work import Place
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

DECISION = RoutingDecision(
    "alpha", (), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)


class Desk:
    """A book and the work behind it: each id's work ends when it is told to."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.book = Replays(ReplaySettings(**settings), self.clock)
        self.gates: dict[str, asyncio.Event] = {}
        self.texts: dict[str, str] = {}
        self.begun: list[str] = []

    def join(self, request_id: str, body: bytes = b"body") -> Place | None:
        request = make_request()
        request = type(request)(request.hole, request_id)
        return self.book.join(Exchange(request, Deadline(1e9), fingerprint=body), self._work)

    async def answer(self, request_id: str, text: str = "") -> Answer:
        """Ask for an id and let its work end at once."""
        self.texts[request_id] = text
        self.gates.setdefault(request_id, asyncio.Event()).set()
        return await self.wait(self.join(request_id))

    async def wait(self, place: Place | None) -> Answer:
        assert place is not None
        try:
            return await place.answer()
        finally:
            await place.leave()

    async def known(self, request_id: str) -> bool:
        """Say whether an id is known, without leaving a trace."""
        place = self.join(request_id, b"never seen before")
        if place is None:
            return True
        await place.leave()
        return False

    async def _work(self, exchange: Exchange) -> Answer:
        request_id = exchange.request.request_id
        self.begun.append(request_id)
        await self.gates.setdefault(request_id, asyncio.Event()).wait()
        chosen = Candidate(0, "alpha", Completion(self.texts.get(request_id, ""), logprobs=(-1.0,)))
        return Answer(chosen, DECISION, (), (chosen,), 0.0)


def run(desk: Desk, main: Coroutine[Any, Any, None]) -> None:
    async def closing() -> None:
        try:
            await main
        finally:
            await desk.book.close()

    run_virtual(desk.clock, closing())


def test_the_table_has_one_way_in_and_two_ends() -> None:
    index = targets(TRANSITIONS)
    assert index[INITIAL, "begin"] == "running"
    sources = {state for state, _ in index}
    assert set(index.values()) - sources == {"expired"}


def test_what_is_not_in_the_table_is_illegal() -> None:
    desk = Desk()

    async def main() -> None:
        await desk.answer("a")
        (entry,) = desk.book._answered.values()
        with pytest.raises(ValueError, match="no transition from 'answered' on 'begin'"):
            entry.step("begin")
        await asyncio.sleep(600)
        assert desk.book.entries == 0
        assert entry.state == "expired"

    run(desk, main())


@pytest.mark.parametrize("name", ["window_s", "max_entries", "max_bytes"])
@pytest.mark.parametrize("bad", [0, -1, float("nan")])
def test_settings_that_keep_nothing_are_refused_by_name(name, bad) -> None:
    with pytest.raises(ValueError, match=name):
        ReplaySettings(**{name: bad})


def test_the_oldest_answer_goes_first_when_there_are_too_many() -> None:
    desk = Desk(max_entries=2)

    async def main() -> None:
        first = desk.join("a")
        await desk.answer("b")
        desk.gates["a"].set()
        await desk.wait(first)
        # b was asked for later and answered earlier.
        await desk.answer("c")
        assert [await desk.known(name) for name in "abc"] == [True, False, True]

    run(desk, main())


def test_running_work_is_never_evicted_and_takes_the_place_of_answers() -> None:
    desk = Desk(max_entries=2)

    async def main() -> None:
        await desk.answer("a")
        places = [desk.join(name) for name in "bcd"]
        assert desk.book.entries == 3
        assert not await desk.known("a")
        for name in "bcd":
            desk.gates.setdefault(name, asyncio.Event()).set()
        await asyncio.gather(*map(desk.wait, places))
        assert desk.book.entries == 2

    run(desk, main())


def test_answers_are_bounded_by_bytes() -> None:
    desk = Desk(max_bytes=3 * ENTRY_BYTES + 3000)

    async def main() -> None:
        for name in "abc":
            await desk.answer(name, "x" * 1000)
        assert [await desk.known(name) for name in "abc"] == [False, True, True]
        assert 2 * ENTRY_BYTES + 2000 < desk.book.bytes_kept < 2 * ENTRY_BYTES + 3000

    run(desk, main())


def test_an_answer_too_large_to_be_kept_drives_out_no_other() -> None:
    desk = Desk(max_bytes=3 * ENTRY_BYTES)

    async def main() -> None:
        await desk.answer("a", "x" * 1000)
        await desk.answer("huge", "x" * 20_000)
        assert [await desk.known(name) for name in ("a", "huge")] == [True, False]

    run(desk, main())


def test_an_answer_counts_with_its_log_probabilities() -> None:
    desk = Desk()

    async def main() -> None:
        await desk.answer("a")
        assert desk.book.bytes_kept > ENTRY_BYTES + LOGPROB_BYTES
        await asyncio.sleep(600)
        assert desk.book.bytes_kept == 0

    run(desk, main())


def test_the_window_begins_with_the_answer_not_with_the_request() -> None:
    desk = Desk(window_s=10)

    async def main() -> None:
        first = desk.join("a")
        await asyncio.sleep(100)
        desk.gates["a"].set()
        await desk.wait(first)
        await asyncio.sleep(9)
        await desk.wait(desk.join("a"))
        # A replay does not lengthen it.
        await asyncio.sleep(1)
        assert not await desk.known("a")

    run(desk, main())


def test_a_replaying_stream_reads_on_when_its_answer_has_expired() -> None:
    desk = Desk(window_s=10)

    async def main() -> None:
        seen: list[Event] = []
        await desk.answer("a", "text")

        async def emit(event: Event) -> None:
            seen.append(event)
            await asyncio.sleep(20)

        exchange = Exchange(
            type(make_request())(make_request().hole, "a"),
            Deadline(1e9),
            emit,
            fingerprint=b"body",
        )
        replay = asyncio.create_task(desk.wait(desk.book.join(exchange, desk._work)))
        await asyncio.sleep(15)
        assert desk.book.entries == 0
        await replay
        assert seen[1] == Delta("text", 0, "alpha")

    run(desk, main())


def test_a_kept_answer_keeps_neither_the_request_nor_its_task() -> None:
    desk = Desk()

    async def main() -> None:
        await desk.answer("a")
        (entry,) = desk.book._answered.values()
        for name in ("_record", "_handle", "task"):
            assert not hasattr(entry.work, name)

    run(desk, main())


def test_closing_an_idle_book_is_fine_and_keeps_its_answers() -> None:
    desk = Desk()

    async def main() -> None:
        await desk.book.close()
        await desk.answer("a")
        await desk.book.close()
        await desk.answer("a")
        assert desk.begun == ["a"]

    run(desk, main())
