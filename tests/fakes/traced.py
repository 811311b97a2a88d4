"""A gateway over sockets whose requests are traced, and what its tests ask it often."""

from __future__ import annotations

from typing import Any, Self

from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as tp
from ensemble.v1 import trace_pb2
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub

from tests.fakes.gateways import request
from tests.fakes.served import TIMEOUT_S
from tests.fakes.taught import Taught

OK, FAILED = trace_pb2.STAGE_STATUS_OK, trace_pb2.STAGE_STATUS_FAILED
CANCELLED = trace_pb2.STAGE_STATUS_CANCELLED


class Traced(Taught):
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.ask_trace = GatewayServiceStub(self.door.channel).Trace
        return self

    async def trace(
        self, prompt: str = "x = ", *, dry_run: bool = False, **fields: Any
    ) -> pb.TraceResponse:
        asked = pb.TraceRequest(generate=request(prompt, **fields), dry_run=dry_run)
        return await self.ask_trace(asked, timeout=TIMEOUT_S)

    async def get(self, name: str) -> trace_pb2.Trace:
        asked = tp.GetTraceRequest(id=name)
        return (await self.door.telemetry.GetTrace(asked, timeout=TIMEOUT_S)).trace

    async def listed(self, **fields: Any) -> list[trace_pb2.Trace]:
        asked = tp.ListTracesRequest(**fields)
        answer = await self.door.telemetry.ListTraces(asked, timeout=TIMEOUT_S)
        return list(answer.traces)

    async def telemetry(self) -> tp.GetTelemetryResponse:
        asked = tp.GetTelemetryRequest()
        return await self.door.telemetry.GetTelemetry(asked, timeout=TIMEOUT_S)

    async def exported(self, form: int) -> str:
        asked = tp.ExportTracesRequest(format=form)
        call = self.door.telemetry.ExportTraces(asked, timeout=TIMEOUT_S)
        return "".join([part.text async for part in call])


def names(trace: trace_pb2.Trace) -> list[str]:
    return [stage.name for stage in trace.stages]


def kinds(trace: trace_pb2.Trace) -> set[str]:
    return {name.partition("[")[0] for name in names(trace)}
