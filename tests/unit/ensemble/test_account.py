from __future__ import annotations

import pytest

from gateway.core.candidate import Usage
from gateway.core.endpoint import Endpoint
from gateway.core.hole import Budget, Sampling
from gateway.core.ports import Task
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.routing.tokens import LARGEST_ESTIMATE
from gateway.state.budget import NOTHING, Amount, Limits, TenantBudgets, TenantLedger
from tests.fakes.ticks import Ticks
from tests.fakes.values import make_request

ALPHA = Endpoint("alpha", cost_micros_per_1k=1000)


def FOUR(_: object) -> int:  # noqa: N802 - a constant that has to be called
    return 4


def task(max_tokens: int | None = 16, partial: str = "") -> Task:
    return Task(make_request(), ALPHA, Sampling(max_tokens=max_tokens), partial=partial)


def tenant(**limits: int) -> TenantLedger:
    return TenantBudgets(Limits(**limits), Ticks(), window_s=60.0).ledger("acme")


def test_only_what_limits_something_has_to_be_asked() -> None:
    assert not UNLIMITED.limited
    assert not SpendingAccount(Budget(max_wall_s=1.0), read=FOUR).limited
    assert SpendingAccount(Budget(max_attempts=1), read=FOUR).limited
    assert SpendingAccount(Budget(), tenant(attempts=1), read=FOUR).limited


def test_a_call_is_reserved_at_its_worst_case_and_settled_at_what_it_used() -> None:
    ledger = tenant(cost_micros=100)
    account = SpendingAccount(Budget(), ledger, read=FOUR)
    assert account.reserve(task()) == ""
    assert ledger.taken == Amount(20, 16, 1)
    account.settle(task(), Usage(5, 3))
    assert ledger.taken == Amount(8, 3, 1)


def test_a_call_that_did_not_tell_stays_at_its_worst_case() -> None:
    ledger = tenant(cost_micros=100)
    account = SpendingAccount(Budget(), ledger, read=FOUR)
    account.reserve(task())
    account.settle(task(), None)
    assert ledger.taken == Amount(20, 16, 1)


def test_a_call_that_was_not_taken_on_was_still_one() -> None:
    account = SpendingAccount(Budget(max_attempts=1, max_cost_micros=20), read=FOUR)
    account.reserve(task())
    account.settle(task(), Usage())
    assert account.reserve(task()) == "budget.max_attempts = 1 calls are used up"


@pytest.mark.parametrize(("partial", "cost"), [("abcdefg", 23), ("é" * 6, 24), ("\ud800", 21)])
def test_text_to_go_on_from_is_read_again_and_reserved(partial, cost) -> None:
    ledger = tenant()
    SpendingAccount(Budget(), ledger, read=FOUR).reserve(task(partial=partial))
    assert ledger.taken.cost_micros == cost


def test_a_call_without_a_limit_of_tokens_is_reserved_at_the_largest_estimate() -> None:
    ledger = tenant()
    SpendingAccount(Budget(), ledger, read=FOUR).reserve(task(max_tokens=None))
    assert ledger.taken == Amount(4 + LARGEST_ESTIMATE, LARGEST_ESTIMATE, 1)


def test_both_ledgers_are_reserved_or_neither() -> None:
    ledger = tenant(attempts=1)
    account = SpendingAccount(Budget(max_attempts=2), ledger, read=FOUR)
    assert account.reserve(task()) == ""
    refusal = account.reserve(task())
    assert refusal.startswith("tenant 'acme': max_attempts = 1 calls are used up")
    assert account.retry_after_s == 60.0
    # What the tenant's ledger refused is not lost to the request's own.
    ledger.settle(Amount(20, 16, 1), NOTHING)
    assert account.reserve(task()) == ""
    assert account.reserve(task()) == "budget.max_attempts = 2 calls are used up"
    assert account.retry_after_s is None
    assert ledger.taken.attempts == 1
