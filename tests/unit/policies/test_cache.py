from __future__ import annotations

import asyncio

import pytest

from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.events import Delta, Judged, Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.core.hole import CachePolicy, RoutingMode, Sampling
from gateway.core.tracing import TraceRecorder
from gateway.policies.cache import CacheRules
from tests.fakes.cached import Cached
from tests.fakes.stage import DECISION, VERDICT, Listener, quick, slow
from tests.fakes.values import make_request, unavailable


def test_the_same_request_is_answered_once_and_the_second_pays_nothing() -> None:
    stage = Cached(quick)

    async def main() -> None:
        first = await stage.ask()
        await asyncio.sleep(5)
        again = stage.exchange()
        second = await stage.handle(again)
        assert second.chosen == first.chosen
        assert (first.cache_age_s, second.cache_age_s) == (None, 5.0)
        assert (second.attempts, second.cost_micros, second.decision_id) == ((), 0, "")
        assert again.replayed
        assert (again.decision, again.candidates) == (DECISION, [first.chosen])
        assert (stage.counts.hits, stage.counts.misses, stage.counts.stored) == (1, 1, 1)

    stage.run(main)
    assert len(stage.calls) == 1
    # Both were requests; the second made no call.
    assert stage.counter.seen == [(True, 1), (True, 0)]


def test_an_empty_text_is_an_answer_like_any_other() -> None:
    """H-05."""

    async def nothing(_: Exchange) -> str:
        return ""

    stage = Cached(nothing)

    async def main() -> None:
        await stage.ask()
        answer = await stage.ask()
        assert (answer.chosen.completion.text, answer.cache_age_s) == ("", 0.0)

    stage.run(main)
    assert len(stage.calls) == 1


def test_another_tenant_gets_an_answer_of_its_own() -> None:
    """H-03."""
    stage = Cached(quick)

    async def main() -> None:
        for tenant in ("one", "two", "", "one"):
            await stage.ask(tenant=tenant)

    stage.run(main)
    assert [exchange.request.tenant for exchange in stage.calls] == ["one", "two", ""]


def test_what_is_too_old_is_asked_for_again() -> None:
    stage = Cached(quick, generate_ttl_s=10.0)

    async def main() -> None:
        await stage.ask()
        await asyncio.sleep(10)
        assert (await stage.ask()).cache_age_s is None
        assert stage.counts.expired == 1

    stage.run(main)
    assert len(stage.calls) == 2


@pytest.mark.parametrize("error", [unavailable(), RuntimeError("bug")])
def test_a_failure_is_not_kept(error: Exception) -> None:
    """H-02, H-10: a failure is raised, and the next one asks again."""
    stage = Cached(slow(1, error))

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(type(error)):
                await stage.ask()

    stage.run(main)
    assert len(stage.calls) == 2
    assert stage.counts.stored == 0


@pytest.mark.parametrize("coalesce", [True, False])
def test_an_answer_that_failed_a_check_is_given_and_not_kept(coalesce: bool) -> None:
    stage = Cached(quick, verdict=Verdict("style", VerdictStatus.FAILED), coalesce=coalesce)

    async def main() -> None:
        await stage.ask()
        await stage.ask()

    stage.run(main)
    assert len(stage.calls) == 2
    assert (stage.counts.stored, stage.counts.refused) == (0, 2)


def test_a_draw_is_served_only_to_who_allows_it() -> None:
    """H-09: another caller's draw must never be handed to one who wants its own."""
    stage = Cached(quick)
    drawn = {"sampling": Sampling(temperature=0.8)}

    async def main() -> None:
        await stage.ask(**drawn)
        await stage.ask(**drawn)
        assert stage.counts.uncacheable == 2
        await stage.ask(**drawn, cache_policy=CachePolicy.ALLOW_SAMPLED)
        served = await stage.ask(**drawn, cache_policy=CachePolicy.ALLOW_SAMPLED)
        assert served.cache_age_s is not None
        assert (await stage.ask(**drawn)).cache_age_s is None

    stage.run(main)
    assert len(stage.calls) == 4


def test_bypass_neither_reads_nor_writes_nor_waits() -> None:
    stage = Cached(slow(1))

    async def main() -> None:
        bypass = [stage.exchange(cache_policy=CachePolicy.BYPASS) for _ in range(2)]
        await stage.ends(*bypass)
        await stage.ask()
        assert (await stage.ask(cache_policy=CachePolicy.BYPASS)).cache_age_s is None

    stage.run(main)
    assert len(stage.calls) == 4
    assert (stage.counts.stored, stage.counts.misses) == (1, 1)


def test_refresh_reads_nothing_and_keeps_the_new_answer() -> None:
    texts = iter(["old", "new"])

    async def work(_: Exchange) -> str:
        return next(texts)

    stage = Cached(work)

    async def main() -> None:
        await stage.ask()
        fresh = await stage.ask(cache_policy=CachePolicy.REFRESH)
        assert (fresh.chosen.completion.text, fresh.cache_age_s) == ("new", None)
        assert (await stage.ask()).chosen.completion.text == "new"
        assert stage.counts.entries == 1

    stage.run(main)


def test_an_age_of_zero_looks_nothing_up() -> None:
    """H-07."""
    stage = Cached(quick, generate_ttl_s=0.0)

    async def main() -> None:
        await stage.ask()
        await stage.ask()

    stage.run(main)
    assert len(stage.calls) == 2
    assert (stage.counts.misses, stage.counts.uncacheable) == (0, 2)


def test_experiments_get_answers_of_their_own_unless_the_rules_alone_decide() -> None:
    stage = Cached(quick, rules=CacheRules(experiments=True))

    async def main() -> None:
        for mode in (RoutingMode.AUTO, RoutingMode.RULES):
            await stage.ask(routing_mode=mode)
            await stage.ask(routing_mode=mode)

    stage.run(main)
    assert len(stage.calls) == 3


def test_a_request_without_canonical_bytes_is_worked_on_and_not_kept() -> None:
    """H-03: what could not be written was turned into a text by str()."""
    stage = Cached(quick)

    async def main() -> None:
        for _ in range(2):
            await stage.ask(hole=make_request().hole.__class__("x = ", suffix=["a"]))

    stage.run(main)
    assert len(stage.calls) == 2
    assert (stage.counts.uncacheable, stage.counts.stored) == (2, 0)


def test_a_change_of_the_configuration_makes_answers_stale_even_those_under_way() -> None:
    stage = Cached(slow(1))

    async def main() -> None:
        await stage.ask()
        running = asyncio.create_task(stage.ask("y = "))
        await asyncio.sleep(0.5)
        stage.results.revise(b"another")
        await running
        assert (await stage.ask()).cache_age_s is None
        assert (await stage.ask("y = ")).cache_age_s is None
        assert stage.counts.stale == 2

    stage.run(main)
    assert len(stage.calls) == 4


def test_a_kept_answer_is_streamed_as_if_it_were_written_now() -> None:
    stage = Cached(quick)
    listener = Listener()

    async def main() -> None:
        await stage.ask()
        exchange = stage.exchange(listener=listener)
        await stage.handle(exchange)
        assert exchange.streamed == ["abc"]

    stage.run(main)
    assert listener.events == [Started(DECISION), Delta("abc", 0, "alpha"), Judged(VERDICT)]
    assert len(stage.calls) == 1


def test_a_streamed_answer_is_kept_for_who_does_not_stream() -> None:
    stage = Cached(quick)

    async def main() -> None:
        listener = Listener()
        await stage.ask(listener=listener)
        assert listener.text == "abc"
        assert (await stage.ask()).chosen.completion.text == "abc"

    stage.run(main)
    assert len(stage.calls) == 1


def told(recorder: TraceRecorder) -> list[tuple[str, dict[str, object]]]:
    stages, _ = recorder.close(0.0)
    return [(one.name, dict(one.attributes)) for one in stages]


def test_a_trace_tells_of_the_lookup_and_of_the_keeping() -> None:
    """V-02: stages `cache_lookup` and `cache_store`."""
    stage = Cached(slow(1), generate_ttl_s=60.0)

    async def traced(**how: object) -> list[tuple[str, dict[str, object]]]:
        exchange = stage.exchange(**how)
        exchange.trace = TraceRecorder("t", stage.clock)
        await stage.handle(exchange)
        return told(exchange.trace)

    async def main() -> None:
        leads, waits = await asyncio.gather(traced(), traced())
        assert leads == [("cache_lookup", {"outcome": "miss"}), ("cache_store", {"kept": True})]
        assert waits == [("cache_lookup", {"outcome": "coalesced"}), ("cache_wait", {})]
        await asyncio.sleep(3)
        assert await traced() == [("cache_lookup", {"outcome": "hit", "age_s": 3.0})]
        assert await traced(cache_policy=CachePolicy.REFRESH) == [
            ("cache_lookup", {"outcome": "refresh"}),
            ("cache_store", {"kept": True}),
        ]
        assert await traced(cache_policy=CachePolicy.BYPASS) == []

    stage.run(main)


def test_without_merging_each_request_is_worked_on_until_one_is_kept() -> None:
    stage = Cached(slow(1), coalesce=False)

    async def main() -> None:
        await stage.ends(*(stage.exchange() for _ in range(3)))
        assert (await stage.ask()).cache_age_s == 0.0

    stage.run(main)
    assert len(stage.calls) == 3
    assert stage.counts.coalesced == 0


def test_a_hit_after_its_deadline_is_refused_like_any_request() -> None:
    stage = Cached(quick)

    async def main() -> None:
        await stage.ask()
        with pytest.raises(Fault):
            await stage.ask(seconds=0.0)

    stage.run(main)
