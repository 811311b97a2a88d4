"""Streams are hedged until their first text."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.core.candidate import Completion
from gateway.core.policy import Invocation
from tests.fakes.race import (
    Rig,
    cancelled_after,
    says,
    writes,
)
from tests.fakes.values import unavailable
from tests.fakes.virtual import run_virtual


def test_a_stream_is_hedged_until_its_first_text_only() -> None:
    rig = Rig(writes((0.9, "a"), (5.0, "b")), (0.1, says("2"))).stream()
    assert rig.run() == says("ab")
    assert rig.asked == [("alpha", True)]
    assert (rig.started, rig.heard) == ([0.0], ["a", "b"])


def test_the_stream_that_has_text_first_is_the_only_one_heard() -> None:
    rig = Rig(writes((2.0, "slow")), writes((0.5, "h"), (5.0, "i"))).stream()
    send = rig.invocation.send
    assert rig.run() == says("hi")
    assert rig.heard == ["h", "i"]
    assert rig.ended == {0: "cancelled", 1: "answered"}
    assert rig.budget.wins == 1
    assert (rig.invocation.sent, rig.invocation.send) == (True, send)


def test_the_first_call_of_a_stream_may_win_after_its_hedge_began() -> None:
    rig = Rig(writes((1.5, "f"), (5.0, "g")), writes((2.0, "hedge"))).stream()
    assert rig.run() == says("fg")
    assert (rig.heard, rig.ended) == (["f", "g"], {0: "answered", 1: "cancelled"})
    assert rig.took == pytest.approx(6.5)
    assert rig.budget.wins == 0


def test_a_stream_without_any_text_wins_when_it_ends() -> None:
    rig = Rig(writes((5.0, "slow")), writes()).stream()
    assert rig.run() == says("")
    assert rig.heard == []


@pytest.mark.parametrize("winner", ["first", "hedge"])
def test_a_stream_that_breaks_after_its_text_is_not_hedged_again(winner: str) -> None:
    broken = unavailable()
    slow, wins = writes((9.0, "slow")), writes((0.5, "a"), (0.5, "b"), then=broken)
    late = writes((1.5, "a"), (0.5, "b"), then=broken)
    rig = Rig(*((late, slow) if winner == "first" else (slow, wins)), (0.1, says("3"))).stream()
    assert rig.run() is broken
    assert rig.heard == ["a", "b"]
    assert len(rig.started) == 2


def test_streams_that_fail_before_their_text_are_hedged_like_any_call() -> None:
    rig = Rig(writes(then=unavailable()), writes((0.5, "ok"))).stream()
    assert rig.run() == says("ok")
    assert rig.heard == ["ok"]


def test_a_losing_stream_that_ignores_its_cancellation_is_not_heard() -> None:
    async def stubborn(invocation: Invocation) -> Completion:
        try:
            await asyncio.sleep(9.0)
        except asyncio.CancelledError:
            assert invocation.send is not None
            await invocation.send("too late")
        return says("too late")

    for steps in ((stubborn, writes((0.5, "w"))), (writes((1.5, "w")), stubborn)):
        rig = Rig(*steps).stream()
        assert rig.run() == says("w")
        assert rig.heard == ["w"]


def test_a_winner_that_ignores_the_callers_cancellation_is_not_heard_any_more() -> None:
    async def stubborn(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        await invocation.send("in time")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(9.0)
        await invocation.send("too late")
        return says("x")

    rig = Rig(writes((9.0, "slow")), stubborn).stream()

    async def main() -> None:
        task = await cancelled_after(rig, 3.0)
        assert task.cancelled()

    run_virtual(rig.clock, main())
    assert rig.heard == ["in time"]


def test_a_hedge_knows_whether_its_text_was_handed_on() -> None:
    known: list[bool] = []

    async def step(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        known.append(invocation.sent)
        await invocation.send("x")
        known.append(invocation.sent)
        return says("x")

    Rig(writes((9.0, "slow")), step).stream().run()
    assert known == [False, True]


def test_the_try_number_is_steady_while_text_is_handed_on() -> None:
    """Text that is held back is dropped when the number changes: it would be another try's."""
    rig = Rig(writes((9.0, "slow")), writes((0.5, "a"), (0.5, "b"))).stream()
    seen: list[int] = []

    async def send(text: str) -> None:
        seen.append(rig.invocation.try_number)

    rig.invocation.send = send
    rig.run()
    assert seen == [1, 1]
    assert rig.invocation.try_number == 2
