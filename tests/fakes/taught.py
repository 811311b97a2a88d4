"""A gateway over sockets that learns from outcomes, and what its tests ask it often."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import grpc
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import feedback_service_pb2 as fb
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from tests.fakes.choosing import FAMILIES, prompt_about
from tests.fakes.gateways import Failure, failure, request
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script
from tests.fakes.served import TIMEOUT_S, UNCHECKED, Served

CHEAP = {"capabilities": ["fast_inference"], "cost_per_1k_tokens": 0.1, **UNCHECKED}
DEAR = {
    "capabilities": ["high_quality", "security_aware"],
    "cost_per_1k_tokens": 1.0,
    **UNCHECKED,
}
AT_ONCE = {"tick_s": 0.05, "shadow_share": 0.0}
TOGETHER = 20


class Taught(Served):
    """Two endpoints, `a` cheap and preferred by the rules, and `b` dear."""

    feedback: Any

    def __init__(
        self,
        *models: Script | FakeModelServer,
        endpoint: Any = (CHEAP, DEAR),
        learning: Mapping[str, object] | None = None,
        outcomes: Mapping[str, object] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            *(models or [Script() for _ in endpoint]),
            endpoint=endpoint,
            learning={**AT_ONCE, **(learning or {})},
            outcomes={"features_per_s": 1_000_000, **(outcomes or {})},
            **settings,
        )

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.feedback = FeedbackServiceStub(self.door.channel)
        return self

    async def route(self, prompt: str = "x = ", **fields: Any) -> pb.RouteResponse:
        asked = pb.RouteRequest(request=request(prompt, **fields))
        return await self.door.route(asked, timeout=TIMEOUT_S)

    async def described(self) -> admin.DescribeRouterResponse:
        asked = admin.DescribeRouterRequest()
        return await self.door.admin.DescribeRouter(asked, timeout=TIMEOUT_S)

    async def record(self, decision_id: str, **fields: Any) -> fb.RecordOutcomeResponse:
        asked = fb.RecordOutcomeRequest(decision_id=decision_id, **fields)
        return await self.feedback.RecordOutcome(asked, timeout=TIMEOUT_S)

    async def ask(self, rpc: str, **fields: Any) -> Any:
        """Call one of the other RPCs of the service."""
        kind = getattr(fb, f"{rpc}Request")
        return await getattr(self.feedback, rpc)(kind(**fields), timeout=TIMEOUT_S)

    async def refused(self, rpc: str, **fields: Any) -> Failure:
        """Call an RPC that must fail."""
        return await failure(self.ask(rpc, **fields))

    async def analysed(self) -> fb.AnalyzeRoutingResponse:
        return await self.ask("AnalyzeRouting")

    async def observed(self, number: int) -> None:
        """Wait until so many outcomes were learned."""
        while (await self.analysed()).observations < number:
            pass

    async def teach(self, task: str, times: int, **qualities: float) -> None:
        """Route so many requests of a task, and report the quality of each endpoint's answer."""

        async def one(number: int) -> None:
            prompt = f"{prompt_about(task, number % FAMILIES)} own{number}"
            routed = await self.route(prompt, labels={"task": task})
            for endpoint, quality in qualities.items():
                await self.record(routed.decision_id, endpoint=endpoint, quality=quality)

        for first in range(0, times, TOGETHER):
            await asyncio.gather(*map(one, range(first, min(first + TOGETHER, times))))


async def trailer(call: grpc.aio.Call, key: str) -> object:
    """What a call's trailer says under a key; None where it is not."""
    return (await call.trailing_metadata()).get(key)
