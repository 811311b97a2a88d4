from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import Usage
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from tests.fakes.stage import DECISION, Listener, Stage, quick, slow, turns
from tests.fakes.values import unavailable


def test_a_request_without_a_name_passes_untouched() -> None:
    stage = Stage(quick)

    async def main() -> None:
        unnamed = stage.exchange(body=b"")
        await stage.handle(unnamed)
        assert stage.calls == [unnamed]
        assert stage.book.entries == 0

    stage.run(main)


def test_a_hundred_at_once_are_worked_on_once_and_get_the_same_answer() -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(100)]
        answers = await asyncio.gather(*map(stage.handle, exchanges))
        assert len(stage.calls) == 1
        assert all(answer is answers[0] for answer in answers)
        assert [exchange.replayed for exchange in exchanges] == [False] + [True] * 99
        assert all(exchange.decision is DECISION for exchange in exchanges)
        assert (stage.book.joined, stage.book.replayed, stage.book.entries) == (99, 0, 1)

    stage.run(main)
    assert sorted(stage.counter.seen) == [(True, 0)] * 99 + [(True, 1)]


def test_a_repetition_within_the_window_is_replayed_with_its_cost_and_paid_once() -> None:
    stage = Stage(quick)

    async def main() -> None:
        first = await stage.handle(stage.exchange())
        await asyncio.sleep(599)
        again = stage.exchange()
        assert await stage.handle(again) is first
        assert (first.cost_micros, first.usage) == (7, Usage(1, 2))
        assert again.replayed
        assert again.decision is DECISION
        assert again.candidates == [first.chosen]
        assert again.attempts == []
        assert (stage.book.joined, stage.book.replayed) == (0, 1)

    stage.run(main)
    assert len(stage.calls) == 1
    assert stage.counter.seen == [(True, 1), (True, 0)]


def test_after_the_window_the_work_is_done_anew() -> None:
    stage = Stage(quick)

    async def main() -> None:
        await stage.handle(stage.exchange())
        await asyncio.sleep(600)
        assert stage.book.entries == 0
        await stage.handle(stage.exchange())
        assert len(stage.calls) == 2

    stage.run(main)


def test_the_same_id_with_another_body_is_refused_running_or_answered() -> None:
    stage = Stage(slow(1))

    async def main() -> None:
        first = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        for _ in range(2):
            with pytest.raises(Fault) as caught:
                await stage.handle(stage.exchange(body=b"other"))
            assert caught.value.kind is Kind.INVALID
            assert caught.value.reason is Reason.REQUEST_ID_REUSED
            assert caught.value.violations[0].field == "request_id"
            assert "use a new id" in caught.value.message
            await first

    stage.run(main)
    assert len(stage.calls) == 1


def test_an_id_is_its_tenants_own() -> None:
    stage = Stage(quick)

    async def main() -> None:
        await stage.handle(stage.exchange(tenant="one"))
        await stage.handle(stage.exchange(tenant="two", body=b"other"))

    stage.run(main)
    assert len(stage.calls) == 2


@pytest.mark.parametrize("error", [unavailable(), RuntimeError("bug")])
def test_a_failure_goes_to_all_with_its_attempts_and_is_not_kept(error) -> None:
    stage = Stage(slow(1, error))

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(3)]
        ends = await asyncio.gather(*map(stage.handle, exchanges), return_exceptions=True)
        assert ends == [error] * 3
        assert [exchange.replayed for exchange in exchanges] == [False, True, True]
        assert all(exchange.decision is DECISION for exchange in exchanges)
        expected = 1 if isinstance(error, Fault) else 0
        assert [len(exchange.attempts) for exchange in exchanges] == [expected] * 3
        assert stage.book.entries == 0
        with pytest.raises(type(error)):
            await stage.handle(stage.exchange())
        assert len(stage.calls) == 2

    stage.run(main)


def test_a_chain_that_was_exhausted_is_so_for_all() -> None:
    async def work(exchange: Exchange) -> str:
        await asyncio.sleep(1)
        exchange.exhausted = True
        raise unavailable()

    stage = Stage(work)

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(2)]
        await asyncio.gather(*map(stage.handle, exchanges), return_exceptions=True)
        assert all(exchange.exhausted for exchange in exchanges)

    stage.run(main)


def test_closing_ends_running_work_with_a_fault_and_awaits_it() -> None:
    stage = Stage(slow(100))

    async def main() -> None:
        exchanges = [stage.exchange(), stage.exchange(listener=Listener())]
        tasks = [asyncio.create_task(stage.handle(exchange)) for exchange in exchanges]
        await turns()
        await stage.book.close()
        assert stage.cancelled == 1
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert (end.kind, end.origin) == (Kind.CANCELLED, Origin.US)
            assert end.reason is Reason.SHUTTING_DOWN
        assert stage.book.entries == 0

    stage.run(main)


def test_closing_ends_work_that_has_not_begun() -> None:
    stage = Stage(quick)

    async def main() -> None:
        task = asyncio.create_task(stage.handle(stage.exchange()))
        await asyncio.sleep(0)
        await stage.book.close()
        with pytest.raises(Fault):
            await task
        assert stage.calls == []

    stage.run(main)
