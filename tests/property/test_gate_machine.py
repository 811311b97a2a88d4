"""The slots of an endpoint against a plain list of who waits; laws for any order of events."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.state.limit import GateSettings, GradientLimit, limit_of
from gateway.state.slots import Slots, Waiter


class GateMachine(RuleBasedStateMachine):
    """`line` holds those that wait by arrival, `began` when each call in flight began."""

    @initialize(
        adaptive=st.booleans(), concurrency=st.integers(1, 40), max_waiting=st.integers(0, 5)
    )
    def start(self, adaptive: bool, concurrency: int, max_waiting: int) -> None:
        self.now = 0.0
        self.asked = GateSettings(
            max_concurrency=concurrency, adaptive=adaptive, max_waiting=max_waiting
        )
        self.limiter = limit_of(self.asked)
        self.slots = Slots(self.limiter, max_waiting, lambda: self.now)
        self.began: list[float] = []
        self.line: list[Waiter] = []
        self.fresh: list[Waiter] = []

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(calls=st.integers(1, 10))
    def acquire(self, calls: int) -> None:
        for _ in range(calls):
            free = len(self.began) < self.limiter.limit
            assert self.slots.try_acquire() is free
            if free:
                self.began.append(self.now)

    @rule()
    def enlist(self) -> None:
        free = len(self.began) < self.limiter.limit
        waiter = self.slots.enlist()
        if free:
            assert waiter is not None
            assert waiter.granted
            self.began.append(self.now)
        elif waiter is None:
            assert len(self.line) == self.asked.max_waiting
        else:
            self.line.append(waiter)

    @precondition(lambda self: self.began)
    @rule(data=st.data(), ending=st.sampled_from(["answer", "busy", "timeout", "fault"]))
    def release(self, data: st.DataObject, ending: str) -> None:
        began = self.began.pop(data.draw(st.integers(0, len(self.began) - 1)))
        before = self.limiter.limit
        if ending == "answer":
            self.limiter.answered(self.now - began, len(self.began) + 1)
        elif ending == "busy":
            self.limiter.overloaded(began, self.now)
            assert self.limiter.limit <= before
        elif ending == "timeout":
            self.limiter.timed_out(began, self.now)
            assert self.limiter.limit <= before
        else:
            assert self.limiter.limit == before
        self.woken(list(self.slots.release()))

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def leave_the_line(self, data: st.DataObject) -> None:
        waiter = data.draw(st.sampled_from(self.line))
        assert list(self.slots.withdraw(waiter)) == []
        self.line.remove(waiter)

    @precondition(lambda self: self.fresh)
    @rule()
    def leave_as_the_slot_comes(self) -> None:
        waiter = self.fresh.pop()
        self.began.pop()
        self.woken(list(self.slots.withdraw(waiter)))

    def woken(self, waiters: list[Waiter]) -> None:
        """Who is woken came first, and holds a slot."""
        assert waiters == self.line[: len(waiters)]
        del self.line[: len(waiters)]
        assert all(waiter.granted for waiter in waiters)
        self.began += [self.now] * len(waiters)
        self.fresh = waiters

    @invariant()
    def the_slots_agree_with_the_list(self) -> None:
        if hasattr(self, "slots"):
            assert self.slots.in_flight == len(self.began) >= 0
            assert self.slots.waiting == len(self.line) <= self.asked.max_waiting
            assert not any(waiter.granted for waiter in self.line)

    @invariant()
    def while_a_slot_is_free_nobody_waits(self) -> None:
        if hasattr(self, "slots") and self.slots.in_flight < self.limiter.limit:
            assert self.slots.waiting == 0

    @invariant()
    def the_limit_stays_within_its_bounds(self) -> None:
        if hasattr(self, "slots"):
            assert 1 <= self.limiter.limit <= self.asked.max_concurrency
            if not isinstance(self.limiter, GradientLimit):
                assert self.limiter.limit == self.asked.max_concurrency
                assert self.slots.in_flight <= self.limiter.limit
            assert 0.1 <= self.slots.retry_after_s() <= 30.0

    def teardown(self) -> None:
        """Whatever happened, the line is served and nothing is left in flight."""
        if hasattr(self, "slots"):
            while self.began:
                self.began.pop()
                self.woken(list(self.slots.release()))
            assert (self.slots.in_flight, self.slots.waiting) == (0, 0)


TestGate = GateMachine.TestCase
TestGate.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
