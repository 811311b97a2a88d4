"""Endpoints that say that they do not serve get no calls; new ones get a small share of them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin

from tests.fakes.gateways import failure
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script
from tests.fakes.served import UNCHECKED, Served, events_of, shown

SKIPPED = [("a", "ENDPOINT_UNHEALTHY"), ("b", "OK")]
WARMING = ("a", "ENDPOINT_WARMING_UP")


def checked(*, serving: bool | None, **settings: Any) -> Served:
    """An endpoint that says how it is, and one that does not."""
    return Served(FakeModelServer(Script(), serving=serving), Script(), **settings)


async def test_who_does_not_serve_gets_no_calls_until_it_does() -> None:
    async with checked(serving=False) as served:
        heard = served.watch("endpoint/a")
        await heard.until("NOT_SERVING")
        answer = await served.generate()
        assert shown(answer.attempts) == SKIPPED
        assert "health check says that it does not serve" in answer.attempts[0].detail
        events = await events_of(served.stream())
        assert shown(events[-1].done.attempts) == SKIPPED
        state = await served.state("a")
        assert state.health == admin.ENDPOINT_HEALTH_NOT_SERVING
        assert served.asked() == [0, 2]
        await served.models[0].say(serving=True)
        await heard.until("SERVING")
        assert (await served.generate()).endpoint == "a"
        state = await served.state("a")
        assert state.health == admin.ENDPOINT_HEALTH_SERVING
        # It was no fault of the endpoint's.
        assert (state.breaker, state.not_permitted) == (admin.BREAKER_STATE_CLOSED, 0)


async def test_a_running_call_outlives_the_change() -> None:
    async with checked(serving=True) as served:
        heard = served.watch("endpoint/a")
        assert await heard.next() == "SERVING"
        served.models[0].script = Script(hang=True)
        call = served.generate()
        await served.models[0].witness.called(1)
        await served.models[0].say(serving=False)
        await heard.until("NOT_SERVING")
        assert not served.models[0].witness.left.is_set()
        call.cancel()


async def test_with_nobody_serving_the_caller_is_told_to_come_back() -> None:
    async with Served(FakeModelServer(Script(), serving=False)) as served:
        await served.watch("endpoint/a").until("NOT_SERVING")
        failed = await failure(served.generate())
        assert served.asked() == [0]
    assert failed.code is grpc.StatusCode.UNAVAILABLE
    assert [(one.endpoint, one.reason) for one in failed.attempts] == [("a", "ENDPOINT_UNHEALTHY")]
    assert failed.details["RetryInfo"].retry_delay.ToMilliseconds() > 0


async def test_who_has_no_health_service_gets_calls() -> None:
    async with checked(serving=None) as served:
        assert (await served.generate()).endpoint == "a"


async def test_who_is_not_asked_gets_calls() -> None:
    async with checked(serving=False, endpoint=[UNCHECKED, UNCHECKED]) as served:
        assert (await served.generate()).endpoint == "a"
        assert (await served.state("a")).health == admin.ENDPOINT_HEALTH_UNSPECIFIED


async def test_a_server_that_goes_away_is_not_called_any_more() -> None:
    async with checked(serving=True) as served:
        heard = served.watch("endpoint/a")
        assert await heard.next() == "SERVING"
        assert (await served.generate()).endpoint == "a"
        await served.models[0].stop()
        await heard.until("NOT_SERVING")
        assert shown((await served.generate()).attempts) == SKIPPED


async def test_a_drained_endpoint_stays_not_serving_whatever_it_says() -> None:
    async with checked(serving=False) as served:
        heard = served.watch("endpoint/a")
        await heard.until("NOT_SERVING")
        await served.drain("a")
        await served.models[0].say(serving=True)
        while (await served.state("a")).health != admin.ENDPOINT_HEALTH_SERVING:
            pass
        assert await served.watch("endpoint/a").next() == "NOT_SERVING"
        await served.undrain("a")
        await heard.until("SERVING")


async def test_a_group_goes_on_with_the_replica_that_serves() -> None:
    twins = [{"name": "a1", "group": "a"}, {"name": "a2", "group": "a", "priority": 0}]
    async with checked(serving=False, endpoint=twins) as served:
        await served.watch("endpoint/a1").until("NOT_SERVING")
        assert await served.watch("endpoint/a").next() == "SERVING"
        for _ in range(10):
            answer = await served.generate()
            assert shown(answer.attempts) == [("a2", "OK")]
        assert served.asked() == [0, 10]


async def test_an_http_endpoint_is_asked_for_its_path() -> None:
    model = FakeOpenAiServer(Script())
    model.health = 503
    endpoint = [{"protocol": "openai", "model": "m", "health_path": "/health"}, {}]
    often = {"interval_s": 0.02, "unhealthy_after": 2}
    async with Served(model, Script(), endpoint=endpoint, health=often) as served:
        heard = served.watch("endpoint/a")
        await heard.until("NOT_SERVING")
        assert model.checks >= 2
        assert shown((await served.generate()).attempts) == SKIPPED
        model.health = 200
        await heard.until("SERVING")
        assert (await served.generate()).endpoint == "a"
        assert served.asked() == [1, 1]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_new_endpoint_gets_its_share_and_no_more(streamed: bool) -> None:
    warmup = {"share": 0.1, "calls": 1000}
    async with Served(Script(), Script(), endpoint=[{"warmup": True}, {}], warmup=warmup) as served:
        for _ in range(50):
            if streamed:
                await events_of(served.stream())
            else:
                await served.generate()
        assert served.asked() == [5, 45]
        answer = await served.generate()
        assert shown(answer.attempts) == [WARMING, ("b", "OK")]
        assert (await served.state("a")).warming_up


async def test_a_new_endpoint_graduates_when_enough_calls_succeeded() -> None:
    warmup = {"share": 0.5, "calls": 4, "success": 0.75}
    settings = {"endpoint": [{"warmup": True}, {}], "warmup": warmup}
    async with Served(Script(failure=Failure.BROKEN), Script(), **settings) as served:
        for number in range(14):
            assert (await served.state("a")).warming_up
            if served.asked()[0] == 4:
                served.models[0].script = Script()
            await served.generate(f"x{number} = ")
        assert served.asked()[0] == 7
        assert not (await served.state("a")).warming_up
        assert (await served.generate()).endpoint == "a"


async def test_a_new_endpoint_without_another_is_called_all_the_same() -> None:
    settings = {"endpoint": [{"warmup": True}], "warmup": {"share": 0.01}}
    async with Served(Script(), **settings) as served:
        for _ in range(10):
            assert (await served.generate()).endpoint == "a"


async def test_a_new_replica_gets_at_most_its_share_of_its_group() -> None:
    twins = [
        {"name": "a1", "group": "a", "warmup": True},
        {"name": "a2", "group": "a", "priority": 0},
    ]
    warmup = {"share": 0.1, "calls": 1000}
    async with Served(Script(), Script(), endpoint=twins, warmup=warmup) as served:
        for _ in range(100):
            assert len((await served.generate()).attempts) == 1
        assert 1 <= served.asked()[0] <= 10
