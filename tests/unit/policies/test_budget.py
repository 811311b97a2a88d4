from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion, Usage
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Budget, Sampling
from gateway.core.policy import Account, Invocation
from gateway.core.ports import Task
from gateway.ensemble.account import UNLIMITED, SpendingAccount
from gateway.policies.budget import budget
from gateway.policies.observe import observe
from gateway.policies.timeout import TimeoutSettings, timeout
from gateway.state.budget import Limits, TenantBudgets
from tests.fakes.ensemble import guarded
from tests.fakes.slow import HANG, Recorder, Speeds, takes, too_late
from tests.fakes.values import OpenAccount, make_invocation, make_request, scripted, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

ALPHA = Endpoint("alpha", cost_micros_per_1k=1000)
"""One micro a token."""


def stack(call, clock: VirtualClock):
    """The budget around what records the call and counts its text."""
    return guarded(
        call,
        [
            budget(),
            observe(Recorder(), clock),
            timeout(TimeoutSettings(between_s=10.0), clock, Speeds()),
        ],
    )


def spend(call, account: Account, *, streamed: bool = False) -> Fault | Completion:
    clock = VirtualClock()
    invocation = make_invocation(ALPHA)
    invocation.account = account
    if streamed:

        async def send(_: str) -> None:
            pass

        invocation.send = send
    try:
        return run_virtual(clock, stack(call, clock)(invocation))
    except Fault as fault:
        return fault


def ended_by(kind: Kind, reason: Reason, origin: Origin = Origin.UPSTREAM) -> Fault:
    return Fault(kind, origin, reason, "ended")


def test_a_call_that_does_not_fit_is_not_made_and_the_answer_says_so() -> None:
    call, account = scripted(Completion("")), OpenAccount(calls=0, retry_after_s=7.0)
    clock, invocation = VirtualClock(), make_invocation(ALPHA, account=account)
    with pytest.raises(Fault) as caught:
        run_virtual(clock, budget()(call)(invocation))
    fault = caught.value
    assert (fault.kind, fault.origin) == (Kind.EXHAUSTED, Origin.CALLER)
    assert (fault.reason, fault.retry_after_s) == (Reason.BUDGET_EXHAUSTED, 7.0)
    assert call.calls == 0
    assert invocation.attempts[0].status is AttemptStatus.SKIPPED
    assert account.settled == []


def test_an_unlimited_account_is_not_asked() -> None:
    answer = Completion("text")
    assert spend(scripted(answer), UNLIMITED) is answer
    # It could be asked all the same: by a policy that reserves on its own.
    assert UNLIMITED.reserve(make_invocation().task) == ""
    UNLIMITED.settle(make_invocation().task, None)


@pytest.mark.parametrize(
    ("end", "known"),
    [
        (Completion("text", usage=Usage(7, 3)), Usage(7, 3)),
        (Completion("text"), None),
        (unavailable(), Usage()),
        (ended_by(Kind.UNAVAILABLE, Reason.UPSTREAM_UNREACHABLE), Usage()),
        (ended_by(Kind.EXHAUSTED, Reason.UPSTREAM_OVERLOADED), Usage()),
        (ended_by(Kind.UNAUTHENTICATED, Reason.UPSTREAM_AUTH, Origin.US), Usage()),
        (ended_by(Kind.NOT_FOUND, Reason.UPSTREAM_MODEL_UNKNOWN, Origin.US), Usage()),
        (ended_by(Kind.INVALID, Reason.UPSTREAM_REFUSED_REQUEST, Origin.CALLER), Usage()),
        (ended_by(Kind.DEADLINE, Reason.DEADLINE_EXCEEDED, Origin.CALLER), Usage()),
        (too_late(), None),
        (ended_by(Kind.TRUNCATED, Reason.UPSTREAM_TRUNCATED), None),
        (ended_by(Kind.MALFORMED, Reason.UPSTREAM_MALFORMED), None),
        (ended_by(Kind.UNAVAILABLE, Reason.UPSTREAM_ERROR), None),
    ],
)
def test_each_end_of_a_call_is_settled_once_and_never_below_what_it_may_have_cost(
    end, known
) -> None:
    account = OpenAccount()
    spend(scripted(end), account)
    assert account.settled == [known]


def test_a_connection_that_is_lost_after_text_came_is_not_free() -> None:
    async def lost(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        await invocation.send("text")
        raise unavailable()

    account = OpenAccount()
    spend(lost, account, streamed=True)
    assert account.settled == [None]


def test_a_stalled_stream_keeps_its_worst_case() -> None:
    account = OpenAccount()
    fault = spend(takes("text", HANG), account, streamed=True)
    assert isinstance(fault, Fault)
    assert account.settled == [None]


def test_a_cancelled_call_keeps_its_worst_case() -> None:
    account, clock = OpenAccount(), VirtualClock()
    invocation = make_invocation(ALPHA, account=account)

    async def main() -> None:
        task = asyncio.ensure_future(stack(takes(HANG), clock)(invocation))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(clock, main())
    assert account.settled == [None]


def test_a_bug_before_the_record_keeps_the_worst_case() -> None:
    async def bug(_: Invocation) -> Completion:
        raise RuntimeError

    account = OpenAccount()
    with pytest.raises(RuntimeError):
        run_virtual(VirtualClock(), budget()(bug)(make_invocation(account=account)))
    assert account.settled == [None]


def test_a_later_try_is_settled_at_its_own_use() -> None:
    """A record of an earlier try of the same invocation is not taken for it."""
    account, clock = OpenAccount(), VirtualClock()
    invocation = make_invocation(ALPHA, account=account)
    call = stack(scripted(unavailable(), too_late(), Completion("", usage=Usage(2, 1))), clock)
    for _ in range(3):
        try:
            run_virtual(clock, call(invocation))
        except Fault:
            invocation.try_number += 1
    assert account.settled == [Usage(), None, Usage(2, 1)]


def test_a_streamed_answer_without_a_usage_report_is_not_free() -> None:
    """Regression of LiteLLM #37923: the spend of streams was settled at 0, so budgets never ended.

    Each call may cost 1 + 16 micros here; 2 of them use up 40, since none tells what it used.
    """

    def defective(usage: Usage) -> int:
        return usage.prompt_tokens + usage.completion_tokens

    assert defective(Completion("text").usage) == 0
    account = SpendingAccount(Budget(max_cost_micros=40), read=lambda _: 1)

    async def silent(invocation: Invocation) -> Completion:
        assert invocation.send is not None
        await invocation.send("text")
        return Completion("text")

    ends = [spend(silent, account, streamed=True) for _ in range(3)]
    assert [isinstance(end, Completion) for end in ends] == [True, True, False]


class Ledger:
    """What the endpoints of a test really used."""

    cost = tokens = calls = 0


def really(used: Ledger, index: int):
    """Take some time and use some tokens, at most the worst case; some fail without telling."""

    async def call(invocation: Invocation) -> Completion:
        task = invocation.task
        read, written = 1, (index * 7) % 17
        used.calls += 1
        used.cost += read + written
        used.tokens += written
        await asyncio.sleep((index * 13) % 5 / 10)
        if index % 3 == 0:
            raise too_late()
        assert task.sampling.max_tokens == 16
        return Completion("", usage=Usage(read, written))

    return call


@pytest.mark.parametrize(
    "limits",
    [Budget(max_cost_micros=500), Budget(max_tokens=300), Budget(max_attempts=40)],
)
def test_two_hundred_calls_at_once_overspend_nothing(limits) -> None:
    """The 200 share one budget and one tenant's window, and come in waves."""
    clock, used = VirtualClock(), Ledger()
    tenant = TenantBudgets(Limits(cost_micros=900), clock).ledger("acme")
    account = SpendingAccount(limits, tenant, read=lambda _: 1)

    async def one(index: int) -> bool:
        await asyncio.sleep(index % 4 / 3)
        task = Task(make_request(), ALPHA, Sampling(max_tokens=16), index)
        invocation = Invocation(task, Deadline(1e9), [], account)
        try:
            await stack(really(used, index), clock)(invocation)
        except Fault as fault:
            return fault.reason is Reason.BUDGET_EXHAUSTED
        return False

    async def main() -> list[bool]:
        return await asyncio.gather(*(one(index) for index in range(200)))

    refused = sum(run_virtual(clock, main()))
    assert used.calls == 200 - refused
    assert 0 < refused < 200
    assert used.cost <= (500 if limits.max_cost_micros else 900)
    assert limits.max_tokens is None or used.tokens <= limits.max_tokens
    assert limits.max_attempts is None or used.calls <= limits.max_attempts
    assert tenant.taken.cost_micros <= 900
