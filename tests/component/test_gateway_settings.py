"""What the configuration says is what the ensemble does."""

from __future__ import annotations

import asyncio

from tests.fakes.gateways import gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script


async def test_a_configured_best_of_n_is_asked_for() -> None:
    """E-07 ✗: config.best_of_n was never read."""
    async with FakeModelServer(Script()) as server:
        settings = settings_of(server.url, ensemble={"best_of_n": 3})
        async with gateway_on_loopback(settings) as door:
            await door.generate(request(), timeout=10)
    assert len(server.witness.asked) == 3


async def test_a_configured_scorer_names_itself() -> None:
    async with FakeModelServer(Script()) as server:
        settings = settings_of(server.url, ensemble={"scorer": "legacy_speed"})
        async with gateway_on_loopback(settings) as door:
            answer = await door.generate(request(), timeout=10)
    assert answer.confidence_method == "legacy_speed"
    assert 0 < answer.confidence <= 1


async def test_without_fallback_only_the_primary_is_asked() -> None:
    async with (
        FakeModelServer(Script(failure=Failure.BROKEN)) as broken,
        FakeModelServer(Script()) as good,
    ):
        for enabled, asked in ((True, 1), (False, 1)):
            settings = settings_of(broken.url, good.url, ensemble={"fallback_enabled": enabled})
            async with gateway_on_loopback(settings) as door:
                outcome = await asyncio.gather(
                    door.generate(request(), timeout=10), return_exceptions=True
                )
            assert isinstance(outcome[0], Exception) is not enabled
            assert len(good.witness.asked) == asked
