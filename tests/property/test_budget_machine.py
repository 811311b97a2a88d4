"""Reserving and settling in any order overspends nothing and loses nothing."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from gateway.state.budget import NOTHING, Amount, Ledger, Limits

LIMITS = Limits(cost_micros=100, tokens=60, attempts=12)
WORST = st.builds(
    Amount, cost_micros=st.integers(0, 60), tokens=st.integers(0, 40), attempts=st.just(1)
)


class BudgetMachine(RuleBasedStateMachine):
    """Calls that are reserved, and end at their worst case or below it, or are given back."""

    reserved = Bundle("reserved")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(LIMITS)
        self.open: list[Amount] = []
        self.spent: list[Amount] = []

    @rule(target=reserved, worst=WORST)
    def reserve(self, worst: Amount):
        before = self.ledger.taken
        if self.ledger.reserve(worst):
            assert self.ledger.taken == before
            assert not _fits(_sum([before, worst]))
            return multiple()
        assert _fits(self.ledger.taken)
        self.open.append(worst)
        return worst

    @rule(worst=consumes(reserved), share=st.floats(0, 1))
    def settle(self, worst: Amount, share: float) -> None:
        used = Amount(int(worst.cost_micros * share), int(worst.tokens * share), 1)
        self.ledger.settle(worst, used)
        self.open.remove(worst)
        self.spent.append(used)

    @rule(worst=consumes(reserved))
    def give_back(self, worst: Amount) -> None:
        self.ledger.settle(worst, NOTHING)
        self.open.remove(worst)

    @rule(worst=consumes(reserved))
    def end_without_telling(self, worst: Amount) -> None:
        self.open.remove(worst)
        self.spent.append(worst)

    @invariant()
    def nothing_is_overspent_and_nothing_lost(self) -> None:
        assert _fits(self.ledger.taken)
        assert self.ledger.taken == _sum(self.open + self.spent)

    def teardown(self) -> None:
        for worst in self.open:
            self.ledger.settle(worst, NOTHING)
        assert self.ledger.taken == _sum(self.spent)


def _sum(amounts: list[Amount]) -> Amount:
    return Amount(
        sum(one.cost_micros for one in amounts),
        sum(one.tokens for one in amounts),
        sum(one.attempts for one in amounts),
    )


def _fits(amount: Amount) -> bool:
    return amount.cost_micros <= 100 and amount.tokens <= 60 and amount.attempts <= 12


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
