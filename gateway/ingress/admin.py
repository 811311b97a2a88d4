"""AdminService and TelemetryService: what operators ask a running gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import grpc
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import telemetry_service_pb2 as telemetry

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.overview import Look, OverviewSource
from gateway.core.snapshot import Snapshot
from gateway.ensemble.choosing.described import LearnedDescription
from gateway.ensemble.tracing import TraceDesk, tracing_off, unknown_trace
from gateway.ingress.context import Context, Rpc, answered
from gateway.ingress.messages import Reader
from gateway.routing.router import RouterDescription
from gateway.state.fleet import Fleet
from gateway.state.reading import EndpointReading, GuardCounters
from gateway.state.trace_statistics import telemetry as telemetry_of
from gateway.state.traces import TraceStore
from gateway.wire.endpoint import endpoint_to_wire
from gateway.wire.enums import CAPABILITY, CHAIN_POLICY
from gateway.wire.metrics import metrics_to_wire
from gateway.wire.overview import overview_to_wire
from gateway.wire.trace import filter_from_wire, telemetry_to_wire, trace_to_wire
from gateway.wire.trace_export import exported

DEFAULT_TRACES = 10
LOOK = Look()
ADMIN = "ensemble.v1.AdminService"
TELEMETRY = "ensemble.v1.TelemetryService"
MAX_PAGE = 1000

log = logging.getLogger(__name__)


class Configured(Protocol):
    """What has a snapshot in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The one that the next request would get."""
        ...


class Operations(Configured, Protocol):
    """What operators may see and change of a running gateway."""

    def drain(self, name: str, *, drained: bool) -> tuple[str, ...]:
        """Give an endpoint, or all of a group, no new requests, or requests again.

        Returns the names of the endpoints that `name` stands for, whether they changed or not.
        Raises KeyError for a name that is not configured.
        """
        ...

    def reading(self, name: str) -> EndpointReading:
        """Tell how an endpoint does now."""
        ...

    def max_concurrency(self, name: str) -> int:
        """Tell the configured limit of calls at once to an endpoint; 0 = none."""
        ...

    def describe(self) -> RouterDescription:
        """Describe the router now in force."""
        ...

    def learned(self) -> LearnedDescription:
        """Describe the layers of the learned router and what they did."""
        ...


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The effective configuration as JSON without secrets, and the files it was read from."""

    json: str
    sources: tuple[str, ...]


class AdminService:
    """The RPCs of `ensemble.v1.AdminService`."""

    def __init__(self, operations: Operations, config: ConfigText) -> None:
        self._operations = operations
        self._config = config
        self._read_list = Reader(admin.ListEndpointsRequest)
        self._read_drain = Reader(admin.DrainEndpointRequest)
        self._read_undrain = Reader(admin.UndrainEndpointRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            ADMIN,
            {
                "ListEndpoints": grpc.unary_unary_rpc_method_handler(self.list_endpoints),
                "DrainEndpoint": grpc.unary_unary_rpc_method_handler(self.drain_endpoint),
                "UndrainEndpoint": grpc.unary_unary_rpc_method_handler(self.undrain_endpoint),
                "DescribeRouter": grpc.unary_unary_rpc_method_handler(self.describe_router),
                "DescribeConfig": grpc.unary_unary_rpc_method_handler(self.describe_config),
            },
        )

    async def list_endpoints(self, raw: bytes, context: Context) -> bytes:
        """List the endpoints in the router's order, page by page."""

        async def work(_: Rpc) -> bytes:
            message = self._read_list(raw)
            snapshot = self._operations.snapshot
            known = snapshot.callable
            start = _page_start(message.page_token, len(known))
            end = start + (message.page_size or MAX_PAGE)
            return admin.ListEndpointsResponse(
                endpoints=self._written(known[start:end], snapshot.default_endpoint),
                next_page_token=str(end) if end < len(known) else "",
            ).SerializeToString()

        return await answered(context, work)

    async def drain_endpoint(self, raw: bytes, context: Context) -> bytes:
        """Give an endpoint or a group no new requests; one that is drained stays so."""

        async def work(rpc: Rpc) -> bytes:
            endpoints = self._drain(rpc, self._read_drain(raw).endpoint, drained=True)
            return admin.DrainEndpointResponse(endpoints=endpoints).SerializeToString()

        return await answered(context, work)

    async def undrain_endpoint(self, raw: bytes, context: Context) -> bytes:
        """Give an endpoint or a group requests again; one that gets them stays so."""

        async def work(rpc: Rpc) -> bytes:
            endpoints = self._drain(rpc, self._read_undrain(raw).endpoint, drained=False)
            return admin.UndrainEndpointResponse(endpoints=endpoints).SerializeToString()

        return await answered(context, work)

    async def describe_router(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Describe rules, thresholds and chain policies."""

        async def work(_: Rpc) -> bytes:
            described, learned = self._operations.describe(), self._operations.learned()
            return admin.DescribeRouterResponse(
                snapshot_version=described.snapshot_version,
                estimator=described.estimator,
                rules=[
                    admin.RoutingRule(
                        name=rule.name,
                        condition=rule.condition,
                        capability=CAPABILITY[rule.capability] if rule.capability else None,
                        chain_policy=CHAIN_POLICY[rule.policy],
                    )
                    for rule in described.rules
                ],
                default_endpoint=described.default_endpoint,
                layers=[
                    admin.LayerDescription(
                        layer=layer.name,
                        weight=layer.weight,
                        runs=layer.runs,
                        threshold=layer.threshold,
                        calls=layer.calls,
                        errors=layer.errors,
                        late=layer.late,
                        mean_s=layer.mean_s,
                    )
                    for layer in learned.layers
                ],
                threshold_version=learned.threshold_version,
                observations=learned.observations,
            ).SerializeToString()

        return await answered(context, work)

    async def describe_config(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Return the effective configuration, secrets redacted."""

        async def work(_: Rpc) -> bytes:
            return admin.DescribeConfigResponse(
                config_json=self._config.json, sources=self._config.sources
            ).SerializeToString()

        return await answered(context, work)

    def _drain(self, rpc: Rpc, name: str, *, drained: bool) -> list[admin.Endpoint]:
        try:
            names = self._operations.drain(name, drained=drained)
        except KeyError:
            raise _unknown(name) from None
        log.info(
            "endpoint drained" if drained else "endpoint undrained",
            extra={"request_id": rpc.request_id, "endpoints": list(names)},
        )
        snapshot = self._operations.snapshot
        concerned = tuple(endpoint for endpoint in snapshot.callable if endpoint.name in names)
        return self._written(concerned, snapshot.default_endpoint)

    def _written(self, endpoints: tuple[Endpoint, ...], default: str) -> list[admin.Endpoint]:
        operations = self._operations
        return [
            endpoint_to_wire(
                endpoint,
                operations.reading(endpoint.name),
                default=default,
                max_concurrency=operations.max_concurrency(endpoint.name),
            )
            for endpoint in endpoints
        ]


class TelemetryService:
    """The RPCs of `ensemble.v1.TelemetryService`."""

    def __init__(
        self,
        fleet: Fleet,
        configured: Configured,
        guards: Callable[[], GuardCounters],
        traces: TraceDesk | None = None,
        overview: OverviewSource | None = None,
        look: Look = LOOK,
    ) -> None:
        """`guards` copies the counters of the policies; `traces` is None where none are kept.

        `overview` is None where there are no dashboards; `look` is that of who does not say.
        """
        self._overview = overview
        self._look = look
        self._fleet = fleet
        self._configured = configured
        self._guards = guards
        self._desk = traces
        self._read = Reader(telemetry.GetMetricsRequest)
        self._read_dashboard = Reader(telemetry.GetDashboardRequest)
        self._read_list = Reader(telemetry.ListTracesRequest)
        self._read_get = Reader(telemetry.GetTraceRequest)
        self._read_export = Reader(telemetry.ExportTracesRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs, that of dashboards only where there are any."""
        return grpc.method_handlers_generic_handler(
            TELEMETRY,
            {
                "GetMetrics": grpc.unary_unary_rpc_method_handler(self.get_metrics),
                "GetTelemetry": grpc.unary_unary_rpc_method_handler(self.get_telemetry),
                "ListTraces": grpc.unary_unary_rpc_method_handler(self.list_traces),
                "GetTrace": grpc.unary_unary_rpc_method_handler(self.get_trace),
                "ClearTraces": grpc.unary_unary_rpc_method_handler(self.clear_traces),
                "ExportTraces": grpc.unary_stream_rpc_method_handler(self.export_traces),
                **self._dashboards(),
            },
        )

    def _dashboards(self) -> dict[str, grpc.RpcMethodHandler[bytes, bytes]]:
        if self._overview is None:
            return {}
        asked = partial(self.get_dashboard, self._overview)
        return {"GetDashboard": grpc.unary_unary_rpc_method_handler(asked)}

    @property
    def _traces(self) -> TraceStore:
        if self._desk is None:
            raise tracing_off()
        return self._desk.store

    async def get_metrics(self, raw: bytes, context: Context) -> bytes:
        """Return a copy of the counters."""

        async def work(_: Rpc) -> bytes:
            name = self._read(raw).endpoint
            known = self._configured.snapshot.callable
            if name and all(endpoint.name != name for endpoint in known):
                raise _unknown(name)
            return metrics_to_wire(self._fleet.read(), self._guards(), name).SerializeToString()

        return await answered(context, work)

    async def get_telemetry(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Say what the kept traces say together."""

        async def work(_: Rpc) -> bytes:
            traces = self._traces
            # Many traces take longer than other requests should wait.
            found = await asyncio.to_thread(telemetry_of, traces.every())
            return telemetry_to_wire(found, traces.counts()).SerializeToString()

        return await answered(context, work)

    async def get_dashboard(self, overview: OverviewSource, raw: bytes, context: Context) -> bytes:
        """Return what a dashboard shows."""

        async def work(_: Rpc) -> bytes:
            message = self._read_dashboard(raw)
            window_s = self._look.window_s
            if message.HasField("window"):
                window_s = message.window.ToMilliseconds() / 1000
            found = await overview(window_s)
            return overview_to_wire(found, self._look.refresh_s).SerializeToString()

        return await answered(context, work)

    async def list_traces(self, raw: bytes, context: Context) -> bytes:
        """List the newest traces, without their stages."""

        async def work(_: Rpc) -> bytes:
            message = self._read_list(raw)
            most = message.count if message.HasField("count") else DEFAULT_TRACES
            wanted = filter_from_wire(message)
            found = self._traces.recent(most, wanted, after=message.skip)
            return telemetry.ListTracesResponse(
                traces=[trace_to_wire(one, with_stages=False) for one in found]
            ).SerializeToString()

        return await answered(context, work)

    async def get_trace(self, raw: bytes, context: Context) -> bytes:
        """Return one trace."""

        async def work(_: Rpc) -> bytes:
            name = self._read_get(raw).id
            found = self._traces.get(name)
            if found is None:
                raise unknown_trace(name)
            return telemetry.GetTraceResponse(trace=trace_to_wire(found)).SerializeToString()

        return await answered(context, work)

    async def clear_traces(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Remove all traces that are kept, and say so in the log."""

        async def work(rpc: Rpc) -> bytes:
            cleared = self._traces.clear()
            log.info("traces cleared", extra={"request_id": rpc.request_id, "traces": cleared})
            return telemetry.ClearTracesResponse(cleared=cleared).SerializeToString()

        return await answered(context, work)

    async def export_traces(self, raw: bytes, context: Context) -> None:
        """Write all traces, part by part."""

        async def work(rpc: Rpc) -> None:
            form = self._read_export(raw).format
            for part in exported(self._traces.every(), form):
                await rpc.write(part.SerializeToString())

        await answered(context, work)


def _page_start(token: str, count: int) -> int:
    if not token:
        return 0
    if not token.isdecimal() or int(token) >= count:
        raise invalid("page_token", "is no token of this server; take it from the answer before")
    return int(token)


def _unknown(name: str) -> Fault:
    return Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_ENDPOINT,
        f"endpoint: {name!r} is not configured; ListEndpoints names those that are",
    )
