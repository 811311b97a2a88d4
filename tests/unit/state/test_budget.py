from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.state.budget import NOTHING, Amount, Ledger, Limits, TenantBudgets
from tests.fakes.ticks import Ticks

CALL = Amount(10, 5, 1)


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        (Limits(attempts=2), "max_attempts = 2 calls are used up"),
        (
            Limits(cost_micros=29),
            "a call may cost up to 10 micros; 20 of max_cost_micros = 29 are spent or reserved",
        ),
        (
            Limits(tokens=14),
            "a call may write up to 5 tokens; 10 of max_tokens = 14 are spent or reserved",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_changes_nothing(limits, refusal) -> None:
    ledger = Ledger(limits)
    assert [ledger.reserve(CALL), ledger.reserve(CALL)] == ["", ""]
    assert ledger.reserve(CALL) == refusal
    assert ledger.taken == Amount(20, 10, 2)
    assert "budget.max_" in _full(limits).reserve(CALL)


def _full(limits: Limits) -> Ledger:
    ledger = Ledger(limits, "budget.")
    ledger.reserve(CALL)
    ledger.reserve(CALL)
    return ledger


def test_a_limit_may_be_used_up_to_the_last_micro() -> None:
    ledger = Ledger(Limits(20, 10, 2))
    assert [ledger.reserve(CALL), ledger.reserve(CALL)] == ["", ""]


def test_settling_gives_back_what_was_not_used() -> None:
    ledger = Ledger(Limits(cost_micros=15))
    ledger.reserve(CALL)
    assert ledger.reserve(CALL)
    ledger.settle(CALL, Amount(4, 2, 1))
    assert ledger.taken == Amount(4, 2, 1)
    assert not ledger.reserve(CALL)
    ledger.settle(CALL, NOTHING)
    assert ledger.taken == Amount(4, 2, 1)


def test_a_call_that_took_more_than_its_worst_case_is_booked_as_it_was() -> None:
    ledger = Ledger(Limits(cost_micros=25))
    ledger.reserve(CALL)
    ledger.settle(CALL, Amount(30, 5, 1))
    assert ledger.taken.cost_micros == 30
    assert ledger.reserve(Amount(1, 0, 1))


def test_no_limit_refuses_nothing() -> None:
    ledger = Ledger(Limits())
    assert not Limits().any
    assert not any(ledger.reserve(Amount(10**12, 10**12, 10**6)) for _ in range(3))


@pytest.mark.parametrize("name", ["cost_micros", "tokens", "attempts"])
def test_a_negative_limit_is_refused_by_name(name) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: -1})
    assert Limits(**{name: 0}).any
    assert Ledger(Limits(**{name: 0})).reserve(CALL)


def test_threads_cannot_overspend_together() -> None:
    threads, rounds = 8, 500
    ledger = Ledger(Limits(cost_micros=20_000))
    together = Barrier(threads)

    def work(_: int) -> int:
        together.wait()
        spent = 0
        for index in range(rounds):
            if not ledger.reserve(CALL):
                used = Amount(index % 11, 0, 1)
                assert ledger.taken.cost_micros <= 20_000
                ledger.settle(CALL, used)
                spent += used.cost_micros
        return spent

    with ThreadPoolExecutor(threads) as pool:
        spent = sum(pool.map(work, range(threads)))
    assert ledger.taken.cost_micros == spent <= 20_000


def budgets(**settings) -> tuple[TenantBudgets, Ticks]:
    clock = Ticks()
    settings.setdefault("window_s", 60.0)
    return TenantBudgets(Limits(attempts=1), clock, **settings), clock


def test_tenants_are_apart_and_each_has_one_ledger_a_window() -> None:
    tenants, _ = budgets()
    acme = tenants.ledger("acme")
    assert tenants.ledger("acme") is acme
    assert not acme.reserve(CALL)
    assert acme.reserve(CALL)
    assert not tenants.ledger("other").reserve(CALL)


def test_a_refusal_names_the_tenant_its_limit_and_the_end_of_the_window() -> None:
    tenants, clock = budgets()
    clock.move(130.5)
    for tenant, whose in (("acme", "tenant 'acme'"), ("", "callers without a tenant")):
        ledger = tenants.ledger(tenant)
        ledger.reserve(CALL)
        assert ledger.reserve(CALL) == (
            f"{whose}: max_attempts = 1 calls are used up; the window ends in 49.5 s"
        )
        assert ledger.retry_after_s == 49.5


def test_a_new_window_starts_from_nothing_and_old_calls_settle_in_theirs() -> None:
    tenants, clock = budgets()
    old = tenants.ledger("acme")
    old.reserve(CALL)
    clock.move(60.0)
    new = tenants.ledger("acme")
    assert new is not old
    assert not new.reserve(CALL)
    old.settle(CALL, NOTHING)
    assert new.taken == CALL
    assert old.retry_after_s == 0.0


def test_invented_names_take_no_memory_and_buy_nothing() -> None:
    tenants, clock = budgets(most_tenants=2)
    ledgers = {id(tenants.ledger(f"tenant-{number}")) for number in range(1000)}
    assert len(ledgers) == 3
    late = tenants.ledger("tenant-998")
    assert not late.reserve(CALL)
    assert (
        tenants.ledger("tenant-999")
        .reserve(CALL)
        .startswith("tenants beyond the first 2, together: max_attempts = 1 calls")
    )
    assert not tenants.ledger("tenant-0").reserve(CALL)
    clock.move(60.0)
    assert not tenants.ledger("tenant-999").reserve(CALL)


@pytest.mark.parametrize(("name", "wrong"), [("window_s", 0.0), ("most_tenants", 0)])
def test_settings_that_make_no_sense_are_refused_by_name(name, wrong) -> None:
    with pytest.raises(ValueError, match=name):
        budgets(**{name: wrong})
