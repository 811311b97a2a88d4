from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus
from gateway.core.faults import Fault, Kind, Origin, Reason
from tests.fakes.stage import DECISION, Stage, slow, turns


def test_a_follower_waits_no_longer_than_its_own_deadline() -> None:
    stage = Stage(slow(10))

    async def main() -> None:
        begun = stage.clock.now
        leader = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        follower = stage.exchange(seconds=0.2)
        with pytest.raises(Fault) as caught:
            await stage.handle(follower)
        fault = caught.value
        assert (fault.kind, fault.origin) == (Kind.DEADLINE, Origin.CALLER)
        assert fault.reason is Reason.DEADLINE_EXCEEDED
        # A little before, so that the answer is on the wire in time.
        assert 0.19 <= stage.clock.now - begun < 0.2
        assert follower.decision is DECISION
        assert follower.replayed
        assert not leader.done()
        await leader

    stage.run(main)


def test_a_follower_that_comes_late_is_refused() -> None:
    stage = Stage(slow(10))

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange()))
        await turns()
        with pytest.raises(Fault) as caught:
            await stage.handle(stage.exchange(seconds=0))
        assert caught.value.kind is Kind.DEADLINE
        await leader

    stage.run(main)
    assert len(stage.calls) == 1


def test_the_leaders_deadline_ends_its_work_with_the_attempts_so_far() -> None:
    stage = Stage(slow(10))

    async def main() -> None:
        begun = stage.clock.now
        leader = stage.exchange(seconds=1)
        with pytest.raises(Fault) as caught:
            await stage.handle(leader)
        assert caught.value.kind is Kind.DEADLINE
        assert stage.clock.now - begun == pytest.approx(0.992)
        assert [attempt.status for attempt in leader.attempts] == [AttemptStatus.CANCELLED]
        assert not leader.replayed
        assert stage.book.entries == 0

    stage.run(main)


def test_a_follower_with_time_left_leads_when_the_leaders_is_over() -> None:
    stage = Stage(slow(2))

    async def main() -> None:
        leader, short, long = (stage.exchange(seconds=s) for s in (1, 1.5, 10))
        ends = await asyncio.gather(
            *map(stage.handle, (leader, short, long)), return_exceptions=True
        )
        assert [getattr(end, "kind", None) for end in ends] == [Kind.DEADLINE, Kind.DEADLINE, None]
        assert ends[2].chosen.completion.text == "abc"
        assert [call.deadline.at for call in stage.calls] == pytest.approx(
            [1000.992, 1001.492, 1009.992]
        )
        # Each accounts for the run that it led.
        assert [exchange.replayed for exchange in (leader, short, long)] == [False] * 3
        assert [len(exchange.attempts) for exchange in (leader, short, long)] == [1, 1, 1]
        assert stage.book.entries == 1

    stage.run(main)


def test_what_a_leader_who_left_has_spent_is_accounted_for_by_the_next() -> None:
    stage = Stage(slow(2))

    async def main() -> None:
        leader = asyncio.create_task(stage.handle(stage.exchange(seconds=1)))
        follower = stage.exchange(seconds=10)
        following = asyncio.create_task(stage.handle(follower))
        await turns()
        leader.cancel()
        answer = await following
        assert [attempt.status for attempt in answer.attempts] == [
            AttemptStatus.CANCELLED,
            AttemptStatus.OK,
        ]
        assert len(follower.attempts) == 2

    stage.run(main)


def test_a_timeout_of_an_endpoint_is_a_failure_like_others() -> None:
    late = Fault(Kind.DEADLINE, Origin.UPSTREAM, Reason.UPSTREAM_TIMEOUT, "too slow")
    stage = Stage(slow(1, late))

    async def main() -> None:
        exchanges = [stage.exchange() for _ in range(2)]
        ends = await asyncio.gather(*map(stage.handle, exchanges), return_exceptions=True)
        assert ends == [late, late]

    stage.run(main)
    assert len(stage.calls) == 1


def test_a_timeout_error_out_of_the_work_is_a_bug_and_no_deadline() -> None:
    stage = Stage(slow(1, TimeoutError()))

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await stage.handle(stage.exchange())

    stage.run(main)
