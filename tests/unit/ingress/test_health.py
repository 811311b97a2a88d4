from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from gateway.core.endpoint import Endpoint
from gateway.ingress.health import Health

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


class Aborted(Exception):
    pass


class Context:
    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        raise Aborted(code, words)


def watch(health: Health, name: str = "") -> AsyncIterator[HealthCheckResponse]:
    context: Any = Context()
    return health.watch(HealthCheckRequest(service=name), context)


async def check(health: Health, name: str) -> int:
    context: Any = Context()
    return (await health.check(HealthCheckRequest(service=name), context)).status


async def test_every_name_starts_as_not_serving_and_changes_together() -> None:
    health = Health(["a"])
    assert [await check(health, name) for name in ("", "a")] == [NOT_SERVING] * 2
    health.set_all(SERVING)
    assert [await check(health, name) for name in ("", "a")] == [SERVING] * 2


async def test_a_drained_endpoint_is_not_serving_while_the_others_follow_the_process() -> None:
    open_, drained = Endpoint("open"), Endpoint("drained", drained=True)
    health = Health(["a"], [open_, drained])
    names = ("", "a", "endpoint/open", "endpoint/drained")
    assert [await check(health, name) for name in names] == [NOT_SERVING] * 4
    health.set_all(SERVING)
    assert [await check(health, name) for name in names] == [SERVING] * 3 + [NOT_SERVING]


async def test_an_endpoint_changes_alone_and_comes_back() -> None:
    health = Health(["a"], [Endpoint("x"), Endpoint("y", drained=True)])
    health.set_all(SERVING)
    health.set_endpoint("x", serving=False)
    health.set_endpoint("y", serving=True)
    names = ("", "a", "endpoint/x", "endpoint/y")
    assert [await check(health, name) for name in names] == [SERVING, SERVING, NOT_SERVING, SERVING]
    health.set_endpoint("x", serving=True)
    assert await check(health, "endpoint/x") == SERVING


async def test_no_endpoint_is_serving_while_the_process_is_not() -> None:
    health = Health([], [Endpoint("x"), Endpoint("y")])
    health.set_endpoint("x", serving=True)
    assert await check(health, "endpoint/x") == NOT_SERVING
    health.set_endpoint("y", serving=False)
    health.set_all(SERVING)
    assert [await check(health, f"endpoint/{name}") for name in "xy"] == [SERVING, NOT_SERVING]
    health.set_all(NOT_SERVING)
    health.set_endpoint("y", serving=True)
    assert [await check(health, f"endpoint/{name}") for name in "xy"] == [NOT_SERVING] * 2


async def test_a_group_is_serving_while_one_of_its_replicas_is() -> None:
    replicas = [Endpoint("x-1", group="x"), Endpoint("x-2", group="x", drained=True)]
    health = Health([], replicas)
    assert await check(health, "endpoint/x") == NOT_SERVING
    health.set_all(SERVING)
    names = ("endpoint/x", "endpoint/x-1", "endpoint/x-2")
    assert [await check(health, name) for name in names] == [SERVING, SERVING, NOT_SERVING]
    health.set_endpoint("x-1", serving=False)
    assert await check(health, "endpoint/x") == NOT_SERVING
    health.set_endpoint("x-2", serving=True)
    assert [await check(health, name) for name in names] == [SERVING, NOT_SERVING, SERVING]


@pytest.mark.parametrize("name", ["nobody", "x", "endpoint/x-1", "", "a"])
async def test_only_an_endpoint_can_be_set(name: str) -> None:
    health = Health(["a"], [Endpoint("x-1", group="x")])
    with pytest.raises(KeyError):
        health.set_endpoint(name, serving=False)


async def test_a_watcher_of_an_endpoint_hears_of_it_and_the_others_stay_asleep() -> None:
    health = Health([], [Endpoint("x"), Endpoint("y")])
    health.set_all(SERVING)
    concerned, other = watch(health, "endpoint/x"), watch(health, "endpoint/y")
    assert [(await anext(one)).status for one in (concerned, other)] == [SERVING] * 2
    told, quiet = (asyncio.ensure_future(anext(one)) for one in (concerned, other))
    await asyncio.sleep(0)
    health.set_endpoint("x", serving=False)
    assert (await told).status == NOT_SERVING
    await asyncio.sleep(0)
    assert not quiet.done()
    health.set_endpoint("y", serving=False)
    assert (await quiet).status == NOT_SERVING


async def test_a_watcher_that_does_not_read_gets_the_last_of_an_endpoints_changes() -> None:
    health = Health([], [Endpoint("x")])
    health.set_all(SERVING)
    slow = watch(health, "endpoint/x")
    await anext(slow)
    for serving in (False, True, False):
        health.set_endpoint("x", serving=serving)
    assert (await anext(slow)).status == NOT_SERVING


async def test_setting_what_is_so_already_wakes_nobody() -> None:
    health = Health([], [Endpoint("x")])
    health.set_all(SERVING)
    changed = health._changed
    health.set_endpoint("x", serving=True)
    assert health._changed is changed


async def test_a_strange_name_is_not_found_by_check_and_unknown_to_watch() -> None:
    health = Health([])
    with pytest.raises(Aborted) as caught:
        await check(health, "x")
    assert caught.value.args[0] is grpc.StatusCode.NOT_FOUND
    answer = await anext(watch(health, "x"))
    assert answer.status == HealthCheckResponse.SERVICE_UNKNOWN


async def test_a_watcher_hears_of_changes_also_after_another_one_left() -> None:
    health = Health([])
    stays, leaves = watch(health), watch(health)
    await anext(stays)
    await anext(leaves)
    waiting = asyncio.ensure_future(anext(leaves))
    told = asyncio.ensure_future(anext(stays))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    health.set_all(SERVING)
    assert (await told).status == SERVING


async def test_a_watcher_that_does_not_read_holds_nobody_up() -> None:
    health = Health([])
    slow = watch(health)
    await anext(slow)
    for status in (SERVING, NOT_SERVING, SERVING):
        health.set_all(status)
    assert (await anext(slow)).status == SERVING


async def test_closing_tells_the_last_status_and_ends_every_watch() -> None:
    health = Health([])
    health.set_all(SERVING)
    watcher = watch(health)
    await anext(watcher)
    health.set_all(NOT_SERVING)
    health.close()
    assert [answer.status async for answer in watcher] == [NOT_SERVING]
