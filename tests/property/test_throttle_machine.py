"""The throttle against a model that counts in fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.state.throttle import Throttle, ThrottleSettings

COUNTED = (
    Fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNAVAILABLE, "busy", retryable=True),
    Fault(Kind.EXHAUSTED, Origin.UPSTREAM, Reason.UPSTREAM_OVERLOADED, "told not to"),
)
IGNORED = (
    Fault(Kind.INVALID, Origin.CALLER, Reason.UPSTREAM_REFUSED_REQUEST, "refused"),
    Fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.UPSTREAM_UNREACHABLE, "gone", retryable=True),
    Fault(Kind.UNAVAILABLE, Origin.US, Reason.BREAKER_OPEN, "open"),
)


class ThrottleMachine(RuleBasedStateMachine):
    @initialize(most=st.integers(1, 20), thousandths=st.integers(1, 2000))
    def begin(self, most: int, thousandths: int) -> None:
        self.throttle = Throttle(ThrottleSettings(most, thousandths / 1000))
        self.most = self.tokens = Fraction(most)
        self.ratio = Fraction(thousandths, 1000)
        self.retries = 0

    @rule()
    def succeed(self) -> None:
        self.throttle.succeeded()
        self.tokens = min(self.most, self.tokens + self.ratio)

    @rule(fault=st.sampled_from(COUNTED))
    def fail(self, fault: Fault) -> None:
        self.throttle.failed(fault)
        self.tokens = max(Fraction(0), self.tokens - 1)

    @rule(fault=st.sampled_from(IGNORED))
    def fail_without_counting(self, fault: Fault) -> None:
        self.throttle.failed(fault)

    @rule()
    def retry(self) -> None:
        self.throttle.retried()
        self.retries += 1

    @rule(uncounted=st.integers(0, 5))
    def ask(self, uncounted: int) -> None:
        assert self.throttle.allows(uncounted) is (self.tokens - uncounted > self.most / 2)

    @invariant()
    def the_model_agrees(self) -> None:
        assert Fraction(round(self.throttle.tokens * 1000), 1000) == self.tokens
        assert self.throttle.allows() is (self.tokens > self.most / 2)
        assert self.throttle.retries == self.retries


ThrottleMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestThrottle = ThrottleMachine.TestCase
