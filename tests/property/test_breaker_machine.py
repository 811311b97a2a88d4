"""A breaker against a model that keeps every call in plain lists and counts them anew each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from gateway.core.outcome import Outcome
from gateway.state.breaker import Breaker, BreakerSettings, BreakerState

PASSING = {"closed", "disabled", "metrics_only"}
FORCES = {
    "open": {"closed", "half_open"},
    "half_open": {"open"},
    "disabled": {"closed", "open", "half_open", "metrics_only", "forced_open"},
    "metrics_only": {"closed", "open", "half_open", "disabled", "forced_open"},
    "forced_open": {"closed", "open", "half_open", "disabled", "metrics_only"},
    "closed": set(),
}


class Model:
    """What a breaker should do, told without counters: each question is answered by a scan."""

    def __init__(self, given: BreakerSettings, now: float) -> None:
        self.given = given
        self.refused = 0
        self.visits: list[tuple[str, float]] = [("closed", now)]
        self.counted: list[tuple[float, bool, bool]] = []
        self.trials: list[int] = []

    @property
    def state(self) -> str:
        return self.visits[-1][0]

    def enter(self, state: str, at: float) -> None:
        self.visits.append((state, at))
        self.trials = []
        if state != "open":
            self.counted = []

    def pass_time(self, now: float) -> None:
        state, since = self.visits[-1]
        if state == "half_open" and self.given.half_open_max_s:
            over = since + self.given.half_open_max_s
            if now >= over:
                self.enter(self.given.no_verdict, over)

    def acquire(self, now: float) -> int | None:
        """Return the number of the visit that let the call pass, or None."""
        self.pass_time(now)
        if self.state == "open" and now >= self.visits[-1][1] + self.given.open_s:
            self.enter("half_open", now)
        visit = len(self.visits)
        if self.state in PASSING:
            return visit
        if self.state == "half_open" and len(self.trials) < self.given.half_open_permits:
            self.trials.append(visit)
            return visit
        self.refused += 1
        return None

    def end(self, visit: int, outcome: Outcome, slow: bool, now: float) -> None:
        if visit == len(self.visits):
            self.pass_time(now)
        if visit != len(self.visits) or self.state == "disabled":
            return
        if outcome is Outcome.NOT_COUNTED:
            if self.trials:
                self.trials.pop()
            return
        self.counted.append((now, outcome is Outcome.FAILURE, slow))
        _, failed, slow_ones = self.shares(now)
        if failed is None or slow_ones is None:
            return
        over = failed >= self.given.failure_share or slow_ones >= self.given.slow_share
        if self.state == "half_open":
            self.enter("open" if over else "closed", now)
        elif self.state == "closed" and over:
            self.enter("open", now)

    def shares(self, now: float) -> tuple[int, float | None, float | None]:
        given = self.given
        trials = any(state == "half_open" for state, _ in self.filled_by())
        if trials:
            calls, least = self.counted, given.half_open_permits
        elif given.window == "count":
            calls, least = self.counted[-given.window_size :], given.minimum_calls
        else:
            calls = [c for c in self.counted if int(c[0]) > int(now) - given.window_size]
            least = given.minimum_calls
        if len(calls) < least:
            return len(calls), None, None
        failed = sum(one[1] for one in calls) / len(calls)
        return len(calls), failed, sum(one[2] for one in calls) / len(calls)

    def filled_by(self) -> list[tuple[str, float]]:
        """The visit whose calls are in the window; an open breaker shows those of the last one."""
        return [visit for visit in self.visits if visit[0] != "open"][-1:]


class Machine(RuleBasedStateMachine):
    """Calls that start and end in any order, time that passes, and an operator."""

    running = Bundle("running")

    @initialize(
        window=st.sampled_from(["count", "time"]),
        size=st.integers(4, 6),
        minimum=st.integers(1, 4),
        share=st.sampled_from([0.25, 0.5, 1.0]),
        permits=st.integers(1, 3),
        longest=st.sampled_from([0.0, 2.5]),
        no_verdict=st.sampled_from(["open", "closed"]),
    )
    def begin(
        self,
        window: Any,
        size: int,
        minimum: int,
        share: float,
        permits: int,
        longest: float,
        no_verdict: Any,
    ) -> None:
        self.now = 1000.0
        given = BreakerSettings(
            failure_share=share,
            slow_share=0.75,
            slow_s=4.0,
            minimum_calls=minimum,
            window=window,
            window_size=size,
            open_s=2.0,
            half_open_permits=permits,
            half_open_max_s=longest,
            no_verdict=no_verdict,
        )
        self.told: list[str] = ["closed"]
        self.breaker = Breaker("alpha", given, self.hear)
        self.model = Model(given, self.now)

    def hear(self, endpoint: str, source: BreakerState, target: BreakerState) -> None:
        assert endpoint == "alpha"
        assert self.told[-1] == source != target
        self.told.append(target)

    @rule(target=running, calls=st.integers(1, 4))
    def start(self, calls: int) -> Any:
        return multiple(*self.admitted(calls))

    def admitted(self, calls: int) -> list[tuple[int, int]]:
        """Ask for permits; return those given, each with the visit in which that was."""
        started: list[tuple[int, int]] = []
        for _ in range(calls):
            permit, visit = self.breaker.acquire(self.now), self.model.acquire(self.now)
            assert bool(permit) == (visit is not None)
            if visit is not None:
                started.append((permit, visit))
        return started

    @rule(
        call=consumes(running),
        outcome=st.sampled_from([Outcome.SUCCESS, Outcome.FAILURE, Outcome.FAILURE]),
        elapsed_s=st.sampled_from([0.0, 3.75, 4.0]),
        quarters=st.sampled_from([0, 0, 0, 1, 10]),
    )
    def end(self, call: tuple[int, int], outcome: Outcome, elapsed_s: float, quarters: int) -> None:
        self.now += quarters / 4  # nobody looks at the breaker before the call ends
        self.breaker.record(call[0], outcome, elapsed_s, self.now)
        self.model.end(call[1], outcome, elapsed_s >= 4, self.now)

    @rule(call=consumes(running))
    def cancel(self, call: tuple[int, int]) -> None:
        self.breaker.record(call[0], Outcome.NOT_COUNTED, 9.0, self.now)
        self.model.end(call[1], Outcome.NOT_COUNTED, slow=True, now=self.now)

    @rule(quarters=st.sampled_from([1, 2, 3, 4, 5, 8, 10, 30]))
    def wait(self, quarters: int) -> None:
        self.now += quarters / 4

    @rule(outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=4), slow=st.booleans())
    def call(self, outcomes: list[Outcome], slow: bool) -> None:
        """Make calls one after the other, each of which ends at once."""
        for outcome in outcomes:
            for permit, visit in self.admitted(1):
                self.breaker.record(permit, outcome, 4.0 if slow else 0.0, self.now)
                self.model.end(visit, outcome, slow, self.now)

    @rule()
    def try_again(self) -> None:
        """Have it half open, as it is seldom otherwise."""
        for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            self.force(state)

    @rule(state=st.sampled_from([None, *BreakerState]), chance=st.integers(0, 4))
    def operate(self, state: BreakerState | None, chance: int) -> None:
        if chance:
            return  # operators are rare, or no window would ever fill
        if state is None:
            self.reset()
        else:
            self.force(state)

    def force(self, state: BreakerState) -> None:
        self.model.pass_time(self.now)
        if self.model.state in FORCES[state]:
            self.breaker.force(state, self.now)
            self.model.enter(state, self.now)
        else:
            with pytest.raises(ValueError, match="circuit breaker"):
                self.breaker.force(state, self.now)

    def reset(self) -> None:
        self.breaker.reset()
        # From closed to closed is no change, but a new start all the same.
        self.model.enter("closed", self.now)
        self.model.refused = 0

    @invariant()
    def they_agree(self) -> None:
        self.model.pass_time(self.now)
        reading = self.breaker.read(self.now)
        calls, failed, slow = self.model.shares(self.now)
        since = self.model.visits[-1][1]
        left = max(0.0, since + 2.0 - self.now) if self.model.state == "open" else 0.0
        assert reading.state == self.breaker.state == self.told[-1] == self.model.state
        assert reading.calls == calls
        assert reading.failure_rate == (-1 if failed is None else failed)
        assert reading.slow_rate == (-1 if slow is None else slow)
        assert reading.not_permitted == self.model.refused
        assert reading.open_for_s == left
        assert self.breaker.retry_after(self.now) == (left if reading.state == "open" else None)


def test_a_breaker_does_what_the_model_does() -> None:
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=150, stateful_step_count=50, deadline=None)
    )
