"""The gateway as a library: a hole filled without a network hop to a gateway."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

import gateway
from gateway import EnsembleClient, Gateway, ModelRouter, Settings
from gateway.core.constraint import Constraint, Regex
from gateway.core.events import Delta, Event, Started
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Hole, HoleSpec, Request
from gateway.upstreams.native_grpc import NativeUpstream
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


def settings_for(*urls: str) -> Settings:
    return Settings.model_validate(
        {"endpoint": [{"name": f"e{place}", "url": url} for place, url in enumerate(urls)]}
    )


def hole(prompt: str = "def add(a, b):\n    ", **fields: object) -> Request:
    return Request(Hole(prompt, **fields), "request-1")


def test_the_facade_has_four_names_and_no_more() -> None:
    assert gateway.__all__ == ["EnsembleClient", "Gateway", "ModelRouter", "Settings"]
    assert all(hasattr(gateway, name) for name in gateway.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Anything'"):
        _ = gateway.Anything


def test_importing_the_package_imports_no_part_of_it() -> None:
    code = (
        "import sys, gateway; print([m for m in sys.modules if m.startswith(('gateway.', 'grpc'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_a_hole_is_filled_without_a_listener(model: FakeModelServer) -> None:
    async with Gateway(settings_for(model.url)) as open_gateway:
        client: EnsembleClient = open_gateway.ensemble
        answer = await client.generate(hole(), timeout_s=10)
    assert answer.chosen.completion.text == model.script.text
    assert answer.decision.primary == "e0"
    assert [attempt.endpoint for attempt in answer.attempts] == ["e0"]
    assert model.witness.asked[0].before == "def add(a, b):\n    "


async def test_the_events_of_a_streamed_answer_are_handed_over(model: FakeModelServer) -> None:
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    async with Gateway(settings_for(model.url)) as open_gateway:
        answer = await open_gateway.ensemble.generate(hole(), timeout_s=10, emit=emit)
    assert isinstance(events[0], Started)
    streamed = "".join(event.text for event in events if isinstance(event, Delta))
    assert streamed == answer.chosen.completion.text == model.script.text


async def test_a_fault_is_raised_with_its_kind(model: FakeModelServer) -> None:
    broken = hole(constraints=(Constraint("c", Regex("(")),))
    async with Gateway(settings_for(model.url)) as open_gateway:
        with pytest.raises(Fault) as caught:
            await open_gateway.ensemble.generate(broken, timeout_s=10)
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID, Reason.BROKEN_CONSTRAINT)
    assert model.witness.asked == []


async def test_a_deadline_is_kept(model: FakeModelServer) -> None:
    model.script.hang = True
    async with Gateway(settings_for(model.url)) as open_gateway:
        started = time.monotonic()
        with pytest.raises(Fault) as caught:
            await open_gateway.ensemble.generate(hole(), timeout_s=0.2)
        took = time.monotonic() - started
    assert caught.value.kind is Kind.DEADLINE
    assert 0.15 < took < 5


async def test_the_router_answers_without_any_connection() -> None:
    async with Gateway(settings_for("grpc://127.0.0.1:1")) as open_gateway:
        router: ModelRouter = open_gateway.router
        decision = router.route(hole(spec=HoleSpec(language="python")))
        assert (await open_gateway.ensemble.route(hole())).decision == decision
    assert decision.chain == ("e0",)


async def test_a_gateway_is_used_inside_its_block_only(model: FakeModelServer) -> None:
    closed = Gateway(settings_for(model.url))
    with pytest.raises(RuntimeError, match="enter the gateway first"):
        _ = closed.ensemble
    async with closed as open_gateway:
        client = open_gateway.ensemble
    with pytest.raises(RuntimeError, match="enter the gateway first"):
        _ = closed.ensemble
    with pytest.raises(Fault) as caught:
        await client.generate(hole(), timeout_s=1)
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_gateway_can_be_entered_again(model: FakeModelServer) -> None:
    again = Gateway(settings_for(model.url))
    for _ in range(2):
        async with again as open_gateway:
            answer = await open_gateway.ensemble.generate(hole(), timeout_s=10)
            assert answer.chosen.endpoint == "e0"
    assert again.fleet.read().ensemble.requests == 2


def test_settings_without_endpoints_are_refused() -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Gateway(Settings())


async def test_a_secret_that_went_away_leaves_no_connection_open(
    model: FakeModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = [
        {"name": "first", "url": model.url},
        {"name": "second", "url": model.url, "secret_ref": "env:KEY_THAT_WENT_AWAY"},
    ]
    closed: list[str] = []

    async def close(upstream: NativeUpstream) -> None:
        closed.append(upstream._endpoint.name)

    monkeypatch.setattr(NativeUpstream, "close", close)
    with pytest.raises(KeyError, match="KEY_THAT_WENT_AWAY"):
        await Gateway(Settings.model_validate({"endpoint": endpoints})).__aenter__()
    assert closed == ["first"]
