"""What the demonstration counts of identical requests, what it prints, and what it misses."""

from __future__ import annotations

from typing import Any, cast

import grpc
import pytest
from ensemble.v1.cache_service_pb2 import GetCacheStatsResponse
from ensemble.v1.gateway_service_pb2 import GenerateResponse
from ensemble.v1.telemetry_service_pb2 import EnsembleCounters, GetMetricsResponse
from ensemble_client import AsyncClient
from ensemble_client.errors import error_for

from gateway.cli.demonstration import repeating
from gateway.cli.demonstration.repeating import CALLERS, Repeated, perform_repeating
from gateway.cli.demonstration.showing_steering import show_repeated


class FakeGateway:
    """Merges what is asked at once and keeps the answer, unless it is told not to."""

    def __init__(self, *, merges: bool = True, keeps: bool = True, breaks: bool = False) -> None:
        self._merges = merges
        self._keeps = keeps
        self._breaks = breaks
        self._calls = 7
        self._asked = 0

    async def generate(self, prompt: str, **fields: Any) -> GenerateResponse:
        assert fields["temperature"] == 0
        if self._breaks:
            raise error_for(grpc.StatusCode.UNAVAILABLE, f"nobody at {prompt[:3]}", None)
        self._asked += 1
        if self._asked > CALLERS and self._keeps:
            return GenerateResponse(text="a", cached=True, cache_age={"nanos": 12_500_000})
        waits = 1 < self._asked <= CALLERS and self._merges
        self._calls += not waits
        return GenerateResponse(text="a", cached=waits)

    async def metrics(self, **_: float) -> GetMetricsResponse:
        return GetMetricsResponse(ensemble=EnsembleCounters(attempts=self._calls))

    async def cache_stats(self, **_: float) -> GetCacheStatsResponse:
        return GetCacheStatsResponse(misses=self._asked, hits=max(0, self._asked - CALLERS))


async def repeat(fake: FakeGateway) -> Repeated:
    return await perform_repeating(cast("AsyncClient", fake))


async def test_calls_and_counters_are_printed_as_they_were_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    repeated = await repeat(FakeGateway())
    assert repeated.missing == ()
    show_repeated(repeated)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        (
            "10 identical requests at once: upstream calls 1, answers 10, different texts 1, "
            "marked as cached 9."
        ),
        (
            "Once more: upstream calls 0, answers 1, different texts 1, marked as cached 1: "
            "from the cache, 12.5 ms old."
        ),
        "after entries stored hits misses coalesced uncacheable",
        "before 0 0 0 0 0 0",
        "10 at once 0 0 0 10 0 0",
        "once more 0 0 1 11 0 0",
    ):
        assert line in lines, line
    assert not any("FAILED" in line for line in lines)


async def test_requests_that_are_not_merged_are_told() -> None:
    found = (await repeat(FakeGateway(merges=False))).missing
    assert found == ("10 identical requests made 10 upstream calls",)


async def test_an_answer_that_is_not_from_the_cache_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    repeated = await repeat(FakeGateway(keeps=False))
    assert repeated.missing == ("a request that was asked again was not answered from the cache",)
    show_repeated(repeated)
    printed = capsys.readouterr().out
    assert "marked as cached 0: not from the cache." in printed
    assert "FAILED: a request that was asked again" in printed


async def test_an_error_of_the_gateway_is_told_once() -> None:
    repeated = await repeat(FakeGateway(breaks=True))
    [reason] = repeated.missing
    assert reason.startswith("repeating a request broke off: ")
    assert reason.count("nobody at def") == 1
    assert repeated.at_once is repeated.later is None


async def test_the_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeGateway):
        async def cache_stats(self, **_: float) -> GetCacheStatsResponse:
            raise TimeoutError

    monkeypatch.setattr(repeating, "LIMIT_S", 0.0)
    assert (await repeat(Silent())).error == "it was not over after 0 s"
