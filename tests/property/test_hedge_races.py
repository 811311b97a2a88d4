"""Whatever calls do: one winner at most, and nothing outlives the return."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.candidate import Completion
from gateway.core.faults import Fault
from gateway.core.policy import Invocation
from gateway.policies.hedge import HedgeSettings, hedge
from gateway.state.hedging import HedgeBudget, HedgeBudgetSettings
from tests.fakes.race import (
    FATAL,
    LATE,
    TOLD_NOT_TO,
    Rig,
    cancelled_after,
    says,
)
from tests.fakes.values import make_invocation, unavailable
from tests.fakes.virtual import run_virtual

RESULTS = st.sampled_from(
    [says("ok"), unavailable(), unavailable(retry_after_s=0.4), TOLD_NOT_TO, FATAL, LATE]
)
STEPS = st.tuples(st.integers(0, 30).map(lambda tenths: tenths / 10), RESULTS)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=6, max_size=6),
    most=st.integers(2, 6),
    saved=st.integers(1, 4),
    streamed=st.booleans(),
    leaves=st.none() | st.integers(1, 40),
)
def test_there_is_one_winner_at_most_and_nothing_outlives_the_return(
    steps, most, saved, streamed, leaves
) -> None:
    def streaming(number: int, seconds: float, result: Any) -> Callable[..., Awaitable[Any]]:
        async def step(invocation: Invocation) -> Any:
            await asyncio.sleep(seconds)
            if isinstance(result, Completion) and invocation.send is not None:
                for _ in range(3):
                    await invocation.send(str(number))
                    await asyncio.sleep(0.3)
                return Completion(str(number) * 3)
            return result

        return step

    made = [streaming(n, *step) for n, step in enumerate(steps)] if streamed else steps
    rig = Rig(*made, calls=most, saved=saved)
    if streamed:
        rig.stream()

    async def main() -> Completion | Fault | None:
        if leaves is None:
            return await rig.main()
        task = await cancelled_after(rig, leaves / 10)
        assert len(asyncio.all_tasks()) == 1
        return None if task.cancelled() else task.result()

    result = run_virtual(rig.clock, main())
    assert rig.running == 0
    assert len(rig.started) == len(rig.ended) <= min(most, 5)
    # A hedge that is paid for in the very round in which the race ends is never sent.
    assert len(rig.started) - 1 == rig.budget.hedges <= saved
    assert rig.budget.wins <= 1
    assert len(set(rig.heard)) <= 1
    if isinstance(result, Completion) and streamed:
        assert result.text == "".join(rig.heard)


@settings(max_examples=40, deadline=None)
@given(times=st.lists(st.integers(1, 40), min_size=1, max_size=60), share=st.integers(1, 300))
def test_hedges_are_never_more_than_their_share_of_the_calls(times, share) -> None:
    rig = Rig(*((tenths / 10, says("x")) for tenths in times))
    budget = HedgeBudget(HedgeBudgetSettings(share / 1000))
    rig.call = hedge(HedgeSettings(), rig, budget, rig.throttle, rig.clock)(rig._call)

    async def main() -> None:
        for calls in range(1, len(times) + 1):
            await rig.call(make_invocation())
            assert (len(rig.started) - calls) * 1000 <= share * calls

    run_virtual(rig.clock, main())
