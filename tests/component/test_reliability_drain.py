"""An operator takes endpoints out of service and back while requests run."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.gateways import failure, request
from tests.fakes.script import Script
from tests.fakes.served import Hold, Served, events_of, shown, text_of

DRAINED = [("a", "DRAINED")]


def pair(**settings: Any) -> Served:
    return Served(Script(), Script(), **settings)


async def excluded(served: Served) -> tuple[str, list[tuple[str, str]]]:
    asked = pb.RouteRequest(request=request())
    decision = (await served.door.route(asked, timeout=10)).decision
    return decision.primary, [(one.endpoint, one.reason) for one in decision.excluded]


async def test_a_drained_endpoint_gets_no_requests_until_it_is_undrained() -> None:
    async with pair() as served:
        assert await excluded(served) == ("a", [])
        await served.drain("a")
        assert await excluded(served) == ("b", DRAINED)
        answer = await served.generate()
        assert (answer.endpoint, shown(answer.attempts)) == ("b", [("b", "OK")])
        assert (await served.counters()).fallback_used == 0
        await served.undrain("a")
        assert await excluded(served) == ("a", [])
        assert (await served.generate()).endpoint == "a"
        assert served.asked() == [1, 1]


async def test_the_list_tells_who_is_drained() -> None:
    async with pair(endpoint=[{}, {"drained": True}]) as served:
        listed = await served.endpoints()
        assert (listed["a"].drained, listed["b"].drained) == (False, True)
        await served.drain("a")
        await served.undrain("b")
        listed = await served.endpoints()
        assert (listed["a"].drained, listed["b"].drained) == (True, False)
        assert (await served.generate()).endpoint == "b"


async def test_a_drain_is_a_new_version_of_the_snapshot() -> None:
    async with pair() as served:
        before = (await served.generate()).decision.snapshot_version
        await served.drain("b")
        assert (await served.generate()).decision.snapshot_version == before + 1


async def test_a_running_request_ends_normally() -> None:
    async with pair() as served:
        slow = served.models[0]
        slow.hold = hold = Hold()
        running = served.generate()
        stream = served.stream()
        read = asyncio.create_task(events_of(stream))
        await slow.witness.called(2)
        await served.drain("a")
        assert (await served.generate()).endpoint == "b"
        hold.release(2)
        assert (await running).endpoint == "a"
        events = await read
        assert (text_of(events), events[-1].done.endpoint) == (Script().text, "a")
        assert served.asked() == [2, 1]


async def test_a_running_request_may_still_fall_back_to_an_endpoint_drained_meanwhile() -> None:
    async with Served(Script(hang=True), Script(), endpoint=[{"timeout_s": 0.3}, {}]) as served:
        running = served.generate()
        await served.models[0].witness.called(1)
        await served.drain("b")
        answer = await running
        assert shown(answer.attempts) == [("a", "UPSTREAM_TIMEOUT"), ("b", "OK")]


async def test_health_turns_not_serving_and_back_and_a_watcher_hears_it() -> None:
    async with pair() as served:
        watched, other = served.watch("endpoint/a"), served.watch("endpoint/b")
        assert [await one.next() for one in (watched, other)] == ["SERVING", "SERVING"]
        await served.drain("a")
        assert await watched.next() == "NOT_SERVING"
        await served.undrain("a")
        assert await watched.next() == "SERVING"
        await served.drain("b")
        # What became of `a` was no news to it.
        assert await other.next() == "NOT_SERVING"
        await served.drain("a")
        await served.undrain("b")
        assert await other.next() == "SERVING"
        assert await served.watch("").next() == "SERVING"


async def test_a_group_serves_while_one_of_its_replicas_does() -> None:
    twins = [{"name": "a1", "group": "a"}, {"name": "a2", "group": "a", "priority": 0}]
    async with pair(endpoint=twins) as served:
        watched, replica = served.watch("endpoint/a"), served.watch("endpoint/a1")
        assert [await watched.next(), await replica.next()] == ["SERVING", "SERVING"]
        await served.drain("a1")
        assert await replica.next() == "NOT_SERVING"
        assert (await served.generate()).endpoint == "a2"
        await served.drain("a")
        assert await watched.next() == "NOT_SERVING"
        await served.undrain("a")
        assert [await watched.next(), await replica.next()] == ["SERVING", "SERVING"]


@pytest.mark.parametrize("change", ["drain", "undrain"])
async def test_a_name_that_is_nobodys_is_not_found(change: str) -> None:
    async with pair() as served:
        failed = await failure(getattr(served, change)("nobody"))
        assert await excluded(served) == ("a", [])
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENDPOINT")


async def test_with_everything_drained_the_caller_is_told_when_to_come_back() -> None:
    async with pair() as served:
        await served.drain("a")
        await served.drain("b")
        failures = [await failure(served.generate()), await failure(served.stream())]
        for failed in failures:
            assert failed.code is grpc.StatusCode.UNAVAILABLE
            assert failed.reason == "NO_ELIGIBLE_ENDPOINT"
            assert failed.attempts == []
            wait = failed.details["RetryInfo"].retry_delay.ToMilliseconds()
            assert wait > 0
            assert int(failed.trailers["grpc-retry-pushback-ms"]) == wait
        await served.undrain("b")
        assert (await served.generate()).endpoint == "b"
        assert served.asked() == [0, 1]
