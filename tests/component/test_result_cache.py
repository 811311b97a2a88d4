"""Repeated requests over real sockets: paid once, told so, and never across tenants."""

from __future__ import annotations

import asyncio
import re
import time
from inspect import signature
from typing import Any

import pytest
from ensemble.v1 import cache_service_pb2 as cache_pb
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.cache_service_pb2_grpc import CacheServiceStub
from ensemble.v1.hole_pb2 import Sampling
from ensemble_client import AsyncClient, Client
from typer.testing import CliRunner, Result

from gateway.app import Gateway
from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.gateways import request, streamed
from tests.fakes.script import Failure, Script
from tests.fakes.served import TIMEOUT_S, Hold, Served, events_of, kinds, trailers_of

PLAIN = Sampling(temperature=0.0)
TEXT = Script().text


def plain(served: Served, prompt: str = "x = ", **fields: Any) -> Any:
    return served.generate(prompt, **{"sampling": PLAIN} | fields)


async def stats(served: Served) -> cache_pb.GetCacheStatsResponse:
    stub: Any = CacheServiceStub(served.door.channel)
    return await stub.GetCacheStats(cache_pb.GetCacheStatsRequest(), timeout=TIMEOUT_S)


async def waiting(served: Served, callers: int) -> None:
    """Wait until so many callers wait for the same request."""
    while (await stats(served)).coalesced < callers:
        pass


async def test_a_repeated_request_is_answered_from_memory_and_says_so() -> None:
    """H-02, H-10: a hit says that it is one and how old, and is billed nothing."""
    async with Served(Script()) as served:
        first = await plain(served)
        served.clock.ahead_s += 60
        call = plain(served, session_id="other", request_id="named")
        again = await call
        trailers = await trailers_of(call)
        assert served.asked() == [1]
        counted = await served.counters()
    assert (first.cached, again.cached, again.text) == (False, True, TEXT)
    assert 60 <= again.cache_age.ToMilliseconds() / 1000 < 70
    assert not again.attempts
    assert (again.cost_micros, again.decision_id, again.endpoint) == (0, "", "a")
    assert first.decision_id
    assert trailers["x-ensemble-cache"] == "hit"
    assert "x-ensemble-decision" not in trailers
    # It was a request, and made no call.
    assert (counted.requests, counted.succeeded, counted.attempts) == (2, 2, 1)


async def test_five_hundred_at_once_make_exactly_one_upstream_call() -> None:
    """Issue 7's bar."""
    async with Served(Script()) as served:
        served.models[0].hold = hold = Hold()
        calls = [plain(served) for _ in range(500)]
        done = asyncio.gather(*calls)
        await waiting(served, 499)
        hold.release(500)
        answers = await done
        assert served.asked() == [1]
        found = await stats(served)
    assert {answer.text for answer in answers} == {TEXT}
    assert sum(answer.cached for answer in answers) == 499
    assert (found.stored, found.in_flight) == (1, 0)


async def test_no_tenant_is_served_the_answer_of_another() -> None:
    """H-03."""
    async with Served(Script()) as served:
        for tenant in ("one", "two", "", "one"):
            answer = await plain(served, tenant=tenant)
        assert answer.cached
        assert served.asked() == [3]


async def test_draws_are_served_only_to_who_allows_them() -> None:
    """H-09."""
    async with Served(Script()) as served:
        allow = pb.CACHE_POLICY_ALLOW_SAMPLED
        for policy in (None, pb.CACHE_POLICY_DEFAULT, allow):
            answer = await served.generate(cache_policy=policy)
            assert not answer.cached
        assert (await served.generate(cache_policy=allow)).cached
        assert not (await served.generate()).cached
        assert served.asked() == [4]


async def test_bypass_and_refresh() -> None:
    async with Served(Script()) as served:
        await plain(served)
        served.models[0].script = Script(pieces=("new",))
        assert (await plain(served, cache_policy=pb.CACHE_POLICY_BYPASS)).text == "new"
        assert (await plain(served)).text == TEXT
        fresh = await plain(served, cache_policy=pb.CACHE_POLICY_REFRESH)
        assert (fresh.text, fresh.cached) == ("new", False)
        again = await plain(served)
        assert (again.text, again.cached) == ("new", True)


async def test_a_stream_hears_a_kept_answer_whole() -> None:
    async with Served(Script()) as served:
        await plain(served)
        call = served.door.stream(streamed("x = ", sampling=PLAIN), timeout=TIMEOUT_S)
        events = await events_of(call)
        assert served.asked() == [1]
    assert kinds(events)[:2] == ["started", "delta"]
    assert events[1].delta.text == TEXT
    done = events[-1].done
    assert (done.cached, done.text, len(done.attempts)) == (True, "", 0)


async def test_the_failure_of_one_is_kept_from_the_others() -> None:
    broken = Script(failure=Failure.INVALID)
    async with Served(broken, retry={"max_tries": 1}) as served:
        served.models[0].hold = hold = Hold()
        calls = [plain(served) for _ in range(3)]
        done = asyncio.gather(*calls, return_exceptions=True)
        await waiting(served, 2)
        await served.models[0].witness.called(1)
        hold.release(1)
        await served.models[0].witness.called(2)
        served.models[0].script = Script()
        hold.release(9)
        ends = await done
        assert served.asked() == [2]
    # Whoever came first; that is not said by the order of the calls.
    assert sorted(getattr(end, "text", "failed") for end in ends) == ["failed", TEXT, TEXT]


async def test_a_hit_takes_no_place_in_the_admission() -> None:
    admission = {"max_running": 1, "max_queued": 0}
    async with Served(Script(), admission=admission) as served:
        await plain(served)
        served.models[0].hold = hold = Hold()
        running = served.generate("y = ")
        await served.models[0].witness.called(2)
        assert (await plain(served)).cached
        hold.release()
        await running


async def test_the_answer_of_who_stood_in_is_not_kept() -> None:
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Served(broken, Script(), retry={"max_tries": 1}) as served:
        assert (await plain(served)).endpoint == "b"
        served.models[0].script = Script(pieces=("from a",))
        answer = await plain(served)
        assert (answer.endpoint, answer.cached) == ("a", False)
        assert (await plain(served)).cached


async def test_draining_an_endpoint_makes_answers_stale() -> None:
    async with Served(Script(), Script(pieces=("from b",))) as served:
        await plain(served)
        await served.drain("a")
        answer = await plain(served)
        assert (answer.text, answer.cached) == ("from b", False)
        assert (await stats(served)).stale == 1


async def test_a_cached_answer_teaches_nothing_and_is_no_decision() -> None:
    async with Served(Script()) as served:
        for _ in range(3):
            await plain(served)
        gateway: Any = served.door.gateway
        counted = gateway.fleet.read().endpoints[0].lifetime
        assert (counted.attempts, counted.judged) == (1, 1)


async def test_one_that_is_switched_off_serves_nothing_and_says_so() -> None:
    async with Served(Script(), cache={"enabled": False}) as served:
        for _ in range(2):
            assert not (await plain(served)).cached
        found = await stats(served)
        assert served.asked() == [2]
    assert (found.enabled, found.misses, found.uncacheable) == (False, 0, 0)


async def test_the_settings_are_followed() -> None:
    """H-07: the overrides existed and were not wired."""
    tables = {"max_entries": 7, "max_bytes": 12345, "generate_ttl_s": 5.0, "sampled_ttl_s": 0.0}
    async with Served(Script(), cache=tables) as served:
        await plain(served)
        allow = pb.CACHE_POLICY_ALLOW_SAMPLED
        for _ in range(2):
            assert not (await served.generate(cache_policy=allow)).cached
        served.clock.ahead_s += 6
        assert not (await plain(served)).cached
        found = await stats(served)
    assert (found.max_entries, found.max_bytes, found.expired) == (7, 12345, 1)
    assert {one.operation: one.ttl.seconds for one in found.ttls} == {"generate": 5, "sampled": 0}


def test_ages_are_read_off_the_monotonic_clock() -> None:
    """H-07 ✗: off the wall clock; that ages follow the gateway's clock is what others here show."""
    assert signature(Gateway).parameters["clock"].default is time.monotonic


async def test_requests_are_not_merged_where_that_is_switched_off() -> None:
    async with Served(Script(), cache={"coalesce": False}) as served:
        served.models[0].hold = hold = Hold()
        done = asyncio.gather(plain(served), plain(served))
        await served.models[0].witness.called(2)
        hold.release(2)
        await done
        assert (await plain(served)).cached


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_both_clients_read_and_clear(kind: str) -> None:
    async with Served(Script()) as served:
        await plain(served)
        await plain(served)
        target = f"127.0.0.1:{served.door.port}"

        def blocking() -> tuple[Any, int, int]:
            with Client(target) as client:
                return client.cache_stats(), client.clear_cache(), client.clear_cache()

        if kind == "sync":
            found, cleared, again = await asyncio.to_thread(blocking)
        else:
            async with AsyncClient(target) as client:
                found = await client.cache_stats()
                cleared, again = await client.clear_cache(), await client.clear_cache()
        assert (found.enabled, found.hits, found.misses, found.entries) == (True, 1, 1, 1)
        assert 500 < found.bytes < 10_000
        assert (cleared, again) == (1, 0)
        assert not (await plain(served)).cached


async def run(served: Served, *arguments: str) -> Result:
    target = f"127.0.0.1:{served.door.port}"
    return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--target", target])


async def test_the_command_line_shows_and_clears() -> None:
    async with Served(Script()) as served:
        await plain(served)
        await plain(served)
        shown = await run(served, "cache", "stats")
        assert shown.exit_code == Exit.OK, shown.stderr
        assert "1 of 1000 answers" in shown.stdout
        assert "1 (50.0% of 2 lookups)" in shown.stdout
        assert '"hits": "1"' in (await run(served, "cache", "stats", "--json")).stdout
        cleared = await run(served, "cache", "clear")
        assert "1 answers dropped" in cleared.stdout
        assert '"cleared": 0' in (await run(served, "cache", "clear", "--json")).stdout


async def test_the_command_line_says_where_an_answer_came_from_and_may_refresh_it() -> None:
    async with Served(Script()) as served:
        asked = ("generate", "--prompt", "x = ", "--temperature", "0")
        assert "a in 1 attempts" in (await run(served, *asked)).stderr
        told = (await run(served, *asked)).stderr
        assert re.search(r"a from the cache, \d+\.\d s old", told)
        assert "a in 1 attempts" in (await run(served, *asked, "--cache", "refresh")).stderr
        assert served.asked() == [2]


async def test_the_same_hole_twice_in_a_batch_is_filled_once() -> None:
    async with Served(Script()) as served:
        holes = [
            pb.BatchGenerateRequest(index=index, request=request("x = ", sampling=PLAIN))
            for index in range(4)
        ]
        answers = [one async for one in served.door.batch(holes, timeout=TIMEOUT_S)]
        assert [one.index for one in answers] == [0, 1, 2, 3]
        assert sum(one.response.cached for one in answers) == 3
        assert served.asked() == [1]
