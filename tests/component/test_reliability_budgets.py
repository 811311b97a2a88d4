"""Nobody spends more than the tenant or the request may, however many calls run at once."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.fakes.gateways import Failure, failure
from tests.fakes.script import Failure as Fails
from tests.fakes.script import Script
from tests.fakes.served import Hold, Served, events_of, shown


def assert_spent(failed: Failure) -> None:
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "BUDGET_EXHAUSTED",
    )
    assert failed.details["ErrorInfo"].metadata["category"] == "caller"


async def outcomes(calls: list[Any]) -> tuple[int, list[Failure]]:
    """Await all calls; return how many were answered, and the failures of the others."""

    async def one(call: Any) -> Failure | None:
        try:
            await call
        except grpc.aio.AioRpcError:
            return await failure(call)
        return None

    ended = await asyncio.gather(*map(one, calls))
    failures = [end for end in ended if end is not None]
    return len(ended) - len(failures), failures


async def test_a_tenant_whose_budget_is_spent_is_refused_until_the_window_ends() -> None:
    budget = {"max_attempts": 3, "window_s": 600.0}
    async with Served(Script(), tenant_budget=budget) as served:
        for _ in range(3):
            await served.generate(tenant="blue")
        failed = await failure(served.generate(tenant="blue"))
        assert_spent(failed)
        assert served.asked() == [3]
        assert [one.reason for one in failed.attempts] == ["BUDGET_EXHAUSTED"]
        wait_s = failed.details["RetryInfo"].retry_delay.ToMilliseconds() / 1000
        assert 500 < wait_s <= 600
        served.clock.ahead_s += wait_s + 0.1
        await served.generate(tenant="blue")
        assert served.asked() == [4]


async def test_a_spent_budget_concerns_no_other_tenant() -> None:
    async with Served(Script(), tenant_budget={"max_attempts": 1}) as served:
        for tenant in ("blue", "green", ""):
            await served.generate(tenant=tenant)
            assert_spent(await failure(served.generate(tenant=tenant)))
        assert served.asked() == [3]


async def test_a_spent_budget_is_not_looked_for_at_the_fallback() -> None:
    async with Served(Script(), Script(), tenant_budget={"max_attempts": 1}) as served:
        await served.generate()
        failed = await failure(served.stream())
        assert_spent(failed)
        assert [one.endpoint for one in failed.attempts] == ["a"]
        assert served.asked() == [1, 0]


async def test_failed_attempts_are_paid_for_too() -> None:
    scripts = Script(failure=Fails.BROKEN), Script()
    async with Served(*scripts, tenant_budget={"max_attempts": 3}) as served:
        assert len((await served.generate()).attempts) == 2
        failed = await failure(served.generate())
        assert_spent(failed)
        assert [one.reason for one in failed.attempts] == ["UPSTREAM_ERROR", "BUDGET_EXHAUSTED"]
        assert served.asked() == [2, 1]


async def test_two_hundred_calls_on_a_budget_of_fifty_make_exactly_fifty() -> None:
    async with Served(Script(), tenant_budget={"max_attempts": 50}) as served:
        answered, failures = await outcomes([served.generate(tenant="blue") for _ in range(200)])
        assert served.asked() == [50]
    assert (answered, len(failures)) == (50, 150)
    for failed in failures:
        assert_spent(failed)


async def test_cost_that_is_reserved_is_not_spent_twice() -> None:
    # Each call may write 1,000 tokens at a millionth each, and writes 3 after reading 11.
    endpoint = [{"cost_per_1k_tokens": 0.001}]
    budget = {"max_cost_micros": 1500}
    asking = {"sampling": {"max_tokens": 1000}}
    async with Served(Script(), endpoint=endpoint, tenant_budget=budget) as served:
        served.models[0].hold = hold = Hold()
        first = served.generate(**asking)
        await served.models[0].witness.called(1)
        assert_spent(await failure(served.generate(**asking)))
        hold.release(2)
        assert (await first).cost_micros == 14
        assert (await served.generate(**asking)).cost_micros == 14
        assert served.asked() == [2]


async def test_tokens_that_a_tenant_wrote_count() -> None:
    async with Served(Script(), tenant_budget={"max_tokens": 20}) as served:
        asking = {"sampling": {"max_tokens": 10}}
        # 3 tokens each: after the fourth call 12 are written, and 10 more would be too many.
        answered, failures = 0, []
        for _ in range(6):
            done, failed = await outcomes([served.generate(**asking)])
            answered += done
            failures += failed
        assert (answered, served.asked()) == (4, [4])
    assert all("max_tokens = 20" in failed.message for failed in failures)


@pytest.mark.parametrize("streamed", [False, True])
async def test_wall_time_shorter_than_the_deadline_is_a_budget(streamed: bool) -> None:
    budget = {"max_wall_time": Duration(nanos=200_000_000)}
    async with Served(Script(hang=True, pieces=()), Script()) as served:
        ask = served.stream if streamed else served.generate
        # The fallback answers within its share of the 0.2 s.
        if streamed:
            events = await events_of(ask(budget=budget))
            attempts = events[-1].done.attempts
        else:
            attempts = (await ask(budget=budget)).attempts
        assert shown(attempts) == [("a", "UPSTREAM_TIMEOUT"), ("b", "OK")]
        served.models[1].script = Script(hang=True, pieces=())
        failed = await failure(ask(budget=budget))
        assert served.asked() == [2, 2]
        await served.models[1].witness.left.wait()
    assert_spent(failed)
    assert "max_wall_time" in failed.message


async def test_attempts_of_one_request_are_bounded() -> None:
    broken = Script(failure=Fails.BROKEN)
    async with Served(broken, broken, Script()) as served:
        failed = await failure(served.generate(budget={"max_attempts": 2}))
        assert_spent(failed)
        assert served.asked() == [1, 1, 0]
        assert (await served.generate(budget={"max_attempts": 3})).endpoint == "c"


async def test_best_of_n_stays_within_the_budget() -> None:
    async with Served(Script(), Script(), Script()) as served:
        answer = await served.generate(
            strategy="STRATEGY_BEST_OF_N", n=5, budget={"max_attempts": 2}
        )
        assert sum(served.asked()) == 2
        assert [one.reason for one in answer.attempts].count("BUDGET_EXHAUSTED") >= 1
