"""Whoever leaves while calls are under way, every one of them ends, and nobody waits for good."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from gateway.core.candidate import Completion
from gateway.core.policy import Invocation
from tests.fakes.race import (
    LATE,
    Rig,
    cancelled_after,
    says,
)
from tests.fakes.values import unavailable
from tests.fakes.virtual import run_virtual


@pytest.mark.parametrize("steps", [((9.0, says("1")),), ((1.2, LATE), (9.0, says("2")))])
def test_the_callers_cancellation_ends_every_call(steps) -> None:
    rig = Rig(*steps)

    async def main() -> None:
        task = asyncio.create_task(rig.call(rig.invocation))  # type: ignore[arg-type]
        await asyncio.sleep(1.5)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert rig.running == 0
        assert len(asyncio.all_tasks()) == 1

    run_virtual(rig.clock, main())
    assert len(rig.started) == 2


def test_a_call_beside_the_first_ends_in_the_words_of_the_command_that_ended_both() -> None:
    words: list[str] = []

    async def hangs(invocation: Invocation) -> Completion:
        try:
            await asyncio.sleep(9.0)
        finally:
            words.append(invocation.given_up)
        return says("late")

    rig = Rig(hangs)

    async def main() -> None:
        task = asyncio.create_task(rig.call(rig.invocation))  # type: ignore[arg-type]
        await asyncio.sleep(1.5)
        rig.invocation.given_up = "by a command"
        task.cancel()
        await asyncio.wait([task])

    run_virtual(rig.clock, main())
    assert words == ["by a command"] * 2


@pytest.mark.parametrize("order", ["hedge first", "caller first"])
def test_a_caller_that_leaves_at_the_moment_a_hedge_wins_has_left(order: str) -> None:
    """Two cancellations of one task arrive as one: neither may swallow the other."""
    rig = Rig((9.0, says("1")), (9.0, says("2")))
    now = asyncio.Event()

    async def win(_: Invocation) -> Completion:
        await now.wait()
        return says("2")

    async def first(_: Invocation) -> Completion:
        await asyncio.sleep(9.0)
        return says("1")

    rig.steps = (first, win)

    async def main() -> None:
        task = asyncio.create_task(rig.call(rig.invocation))  # type: ignore[arg-type]
        await asyncio.sleep(1.5)
        if order == "hedge first":
            now.set()
            # One round of the loop for the hedge to end, one for the race to see it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        task.cancel()
        now.set()
        await asyncio.wait([task])
        assert task.cancelled()
        assert rig.running == 0

    run_virtual(rig.clock, main())


def test_a_caller_that_leaves_after_the_last_call_ended_and_before_it_was_seen_has_left() -> None:
    rig = Rig((1.2, LATE), (9.0, says("unused")))
    now, complaints = asyncio.Event(), list[Any]()

    async def win(_: Invocation) -> Completion:
        await now.wait()
        return says("2")

    rig.steps = ((1.2, LATE), win)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        task = asyncio.create_task(rig.main())
        await asyncio.sleep(1.5)
        now.set()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_virtual(rig.clock, main())
    assert complaints == []


def test_a_hedge_that_answers_although_it_was_cancelled_has_not_won() -> None:
    async def stubborn(_: Invocation) -> Completion:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(9.0)
        return says("too late")

    rig = Rig((1.5, says("first")), stubborn)
    assert rig.run() == says("first")
    assert (rig.budget.hedges, rig.budget.wins) == (1, 0)


def test_a_deadline_that_strikes_together_with_a_win_is_still_told_from_it() -> None:
    rig = Rig((9.0, says("1")), (0.5, says("2")))

    async def main() -> Completion:
        async with asyncio.timeout(1.5):
            return await rig.call(rig.invocation)

    outcomes: list[str] = []
    try:
        outcomes.append(run_virtual(rig.clock, main()).text)
    except TimeoutError:
        outcomes.append("late")
    assert outcomes in (["2"], ["late"])
    assert rig.running == 0


def test_a_caller_that_leaves_while_losers_are_ending_is_gone_when_they_have_ended() -> None:
    order: list[str] = []

    async def slow_to_end(_: Invocation) -> Completion:
        try:
            await asyncio.sleep(9.0)
        finally:
            await asyncio.sleep(2.0)
            order.append("loser ended")
        return says("2")

    rig = Rig((1.5, says("first")), slow_to_end)

    async def main() -> None:
        task = await cancelled_after(rig, 2.0)
        order.append("returned")
        assert task.cancelled()

    run_virtual(rig.clock, main())
    assert order == ["loser ended", "returned"]


def test_a_first_call_that_answers_although_it_was_cancelled_has_lost() -> None:
    async def stubborn(_: Invocation) -> Completion:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(9.0)
        return says("too late")

    async def failing(_: Invocation) -> Completion:
        try:
            await asyncio.sleep(9.0)
        except asyncio.CancelledError:
            raise unavailable() from None
        return says("never")

    for step in (stubborn, failing):
        assert Rig(step, (0.5, says("hedge"))).run() == says("hedge")


def test_a_first_call_that_ends_in_the_round_in_which_a_hedge_won_is_ended_once() -> None:
    rig = Rig((1.5, says("first")), (0.5, says("hedge")))
    assert rig.run() in (says("first"), says("hedge"))
    assert len(rig.ended) == 2


def test_a_hedge_that_is_due_when_the_first_call_answers_is_not_sent() -> None:
    rig = Rig((2.3, says("ok")), (0.9, unavailable(retry_after_s=0.4)), (0.1, says("3")))
    assert rig.run() == says("ok")
    assert rig.started == [0.0, 1.0]
    assert rig.ended == {0: "answered", 1: "failed"}


def test_a_bug_in_any_call_ends_all_and_is_raised() -> None:
    async def bug(_: Invocation) -> Completion:
        await asyncio.sleep(1.5)
        raise RuntimeError("bug")

    for steps in ((bug, (9.0, says("2"))), ((9.0, says("1")), bug)):
        rig = Rig(*steps)
        with pytest.raises(RuntimeError, match="bug"):
            rig.run()
        assert set(rig.ended.values()) == {"cancelled"}


def test_a_hedge_that_is_cancelled_by_something_else_leaves_nobody_waiting() -> None:
    async def cancels_itself(_: Invocation) -> Completion:
        raise asyncio.CancelledError

    rig = Rig((1.5, LATE), cancels_itself)
    with pytest.raises(asyncio.CancelledError):
        run_virtual(rig.clock, rig.call(rig.invocation))  # type: ignore[arg-type]
    assert rig.running == 0
