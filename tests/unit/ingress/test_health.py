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


async def test_a_drained_endpoint_is_never_serving() -> None:
    open_, drained = Endpoint("open"), Endpoint("drained", drained=True)
    health = Health(["a"], [open_, drained])
    names = ("", "a", "endpoint/open", "endpoint/drained")
    assert [await check(health, name) for name in names] == [NOT_SERVING] * 4
    health.set_all(SERVING)
    assert [await check(health, name) for name in names] == [SERVING] * 3 + [NOT_SERVING]


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
