"""A gateway with too much to do turns requests away at once, or lets them wait for their turn."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.gateways import Failure, failure, request
from tests.fakes.script import Script
from tests.fakes.served import Hold, Served, events_of, text_of


def narrow(*, running: int = 1, queued: int = 0, **more: Any) -> Served:
    """A gateway that works on few requests at once, and whose model server holds them all."""
    admission = {"max_running": running, "max_queued": queued, **more}
    return Served(Script(), admission=admission)


async def busy(served: Served) -> tuple[Hold, Any]:
    """Take the only slot; it is free again after one release."""
    model = served.models[0]
    model.hold = hold = Hold()
    first = served.generate("first")
    await model.witness.called(1)
    return hold, first


def assert_turned_away(failed: Failure) -> None:
    assert failed.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failed.reason == "GATEWAY_OVERLOADED"
    assert failed.attempts == []
    wait_ms = failed.details["RetryInfo"].retry_delay.ToMilliseconds()
    assert 100 <= wait_ms <= 30_000
    assert abs(int(failed.trailers["grpc-retry-pushback-ms"]) - wait_ms) <= 1
    assert failed.details["QuotaFailure"].violations[0].subject == "GATEWAY_OVERLOADED"


async def test_what_cannot_be_worked_on_nor_wait_is_turned_away_without_a_call() -> None:
    async with narrow() as served:
        hold, first = await busy(served)
        assert_turned_away(await failure(served.generate()))
        assert_turned_away(await failure(served.stream()))
        hold.release()
        assert (await first).endpoint == "a"
        counted = await served.counters()
        assert served.asked() == [1]
        hold.release()
        assert (await served.generate()).endpoint == "a"
    assert (counted.shed, counted.queued) == (2, 0)
    assert (counted.requests, counted.failed, counted.attempts) == (3, 2, 1)


async def test_a_hole_of_a_batch_is_turned_away_by_itself() -> None:
    async with narrow() as served:
        hold, first = await busy(served)
        asked = pb.BatchGenerateRequest(index=1, request=request())
        (answer,) = [one async for one in served.door.batch(iter([asked]), timeout=10)]
        hold.release()
        await first
    assert answer.failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert answer.failure.detail.reason == "GATEWAY_OVERLOADED"


async def test_operators_are_heard_while_requests_are_turned_away() -> None:
    async with narrow() as served:
        hold, first = await busy(served)
        asked = pb.RouteRequest(request=request())
        assert (await served.door.route(asked, timeout=10)).decision.primary == "a"
        assert (await served.state("a")).in_flight == 1
        hold.release()
        await first


async def test_with_a_queue_it_waits_for_its_turn() -> None:
    async with narrow(queued=8) as served:
        hold, first = await busy(served)
        waiting = [served.generate("second")]
        await served.until(lambda now: now.queued == 1)
        stream = asyncio.create_task(events_of(served.stream("third")))
        await served.until(lambda now: now.queued == 2)
        assert served.asked() == [1]
        hold.release(3)
        assert [(await call).endpoint for call in (first, *waiting)] == ["a", "a"]
        assert text_of(await stream) == Script().text
        counted = await served.counters()
        assert order(served) == ["first", "second", "third"]
    assert (counted.queued, counted.shed, counted.succeeded) == (0, 0, 3)


def order(served: Served) -> list[str]:
    return [asked.before for asked in served.models[0].witness.asked]


async def test_interactive_overtakes_batch() -> None:
    async with narrow(queued=8) as served:
        hold, first = await busy(served)
        waiting = [first]
        lanes = ("BATCH", "BATCH", "STANDARD", "INTERACTIVE", "INTERACTIVE")
        for place, lane in enumerate(lanes):
            prompt = f"{lane.lower()}-{place}"
            waiting.append(served.generate(prompt, priority=f"PRIORITY_{lane}"))
            await served.until(lambda now, place=place: now.queued == place + 1)
        hold.release(len(waiting))
        await asyncio.gather(*waiting)
        came = order(served)[1:]
    assert came[0] == "interactive-3"
    assert came.index("interactive-4") < came.index("standard-2") < came.index("batch-0")
    assert came.index("batch-0") < came.index("batch-1")


async def test_a_hole_of_a_batch_stream_is_overtaken_by_a_unary_call() -> None:
    async with narrow(queued=8) as served:
        hold, first = await busy(served)
        asked = pb.BatchGenerateRequest(request=request("of the batch"))
        batch = asyncio.create_task(events_of(served.door.batch(iter([asked]), timeout=10)))
        await served.until(lambda now: now.queued == 1)
        unary = served.generate("unary")
        await served.until(lambda now: now.queued == 2)
        hold.release(3)
        await asyncio.gather(first, unary, batch)
        assert order(served) == ["first", "unary", "of the batch"]


async def test_in_a_full_queue_interactive_takes_the_place_of_batch() -> None:
    async with narrow(queued=1) as served:
        hold, first = await busy(served)
        batch = served.generate("batch", priority="PRIORITY_BATCH")
        await served.until(lambda now: now.queued == 1)
        urgent = served.generate("urgent", priority="PRIORITY_INTERACTIVE")
        assert_turned_away(await failure(batch))
        assert_turned_away(await failure(served.generate()))
        hold.release(2)
        await asyncio.gather(first, urgent)
        counted = await served.counters()
        assert order(served) == ["first", "urgent"]
    assert (counted.shed, counted.queued) == (2, 0)


async def test_one_tenant_cannot_fill_the_queue() -> None:
    async with narrow(queued=8, max_queued_per_tenant=1) as served:
        hold, first = await busy(served)
        greedy = served.generate("greedy", tenant="greedy")
        await served.until(lambda now: now.queued == 1)
        assert_turned_away(await failure(served.generate(tenant="greedy")))
        modest = served.generate("modest", tenant="modest")
        await served.until(lambda now: now.queued == 2)
        hold.release(3)
        await asyncio.gather(first, greedy, modest)
        assert served.asked() == [3]


async def test_who_leaves_the_queue_frees_the_place_at_once() -> None:
    async with narrow(queued=1) as served:
        hold, first = await busy(served)
        gone = served.generate("gone")
        await served.until(lambda now: now.queued == 1)
        gone.cancel()
        await served.until(lambda now: now.queued == 0)
        patient = served.generate("patient")
        await served.until(lambda now: now.queued == 1)
        hold.release(2)
        await asyncio.gather(first, patient)
        assert order(served) == ["first", "patient"]


async def test_the_deadline_covers_the_wait() -> None:
    async with narrow(queued=1) as served:
        hold, first = await busy(served)
        waiting = served.door.generate(request(), timeout=0.3)
        failed = await failure(waiting)
        hold.release()
        await first
        assert served.asked() == [1]
        assert (await served.counters()).queued == 0
    assert failed.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_longest_wait_ends_in_a_refusal() -> None:
    async with narrow(queued=1, max_wait_s=0.2) as served:
        hold, first = await busy(served)
        assert_turned_away(await failure(served.generate()))
        hold.release()
        await first
        assert served.asked() == [1]
