"""AdminService and TelemetryService: what operators ask a running gateway."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import telemetry_service_pb2 as telemetry

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.snapshot import Snapshot
from gateway.ingress.context import Context, Rpc, answered
from gateway.ingress.messages import Reader
from gateway.routing.router import ModelRouter
from gateway.state.fleet import Fleet
from gateway.wire.enums import CAPABILITY, CHAIN_POLICY
from gateway.wire.metrics import metrics_to_wire
from gateway.wire.result import duration

ADMIN = "ensemble.v1.AdminService"
TELEMETRY = "ensemble.v1.TelemetryService"
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The effective configuration as JSON without secrets, and the files it was read from."""

    json: str
    sources: tuple[str, ...]


class AdminService:
    """The RPCs of `ensemble.v1.AdminService`."""

    def __init__(self, router: ModelRouter, config: ConfigText) -> None:
        self._router = router
        self._config = config
        self._read_list = Reader(admin.ListEndpointsRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            ADMIN,
            {
                "ListEndpoints": grpc.unary_unary_rpc_method_handler(self.list_endpoints),
                "DescribeRouter": grpc.unary_unary_rpc_method_handler(self.describe_router),
                "DescribeConfig": grpc.unary_unary_rpc_method_handler(self.describe_config),
            },
        )

    async def list_endpoints(self, raw: bytes, context: Context) -> bytes:
        """List the endpoints in the router's order, page by page."""

        async def work(_: Rpc) -> bytes:
            message = self._read_list(raw)
            snapshot = self._router.snapshot
            start = _page_start(message.page_token, len(snapshot.endpoints))
            end = start + (message.page_size or MAX_PAGE)
            page = snapshot.endpoints[start:end]
            return admin.ListEndpointsResponse(
                endpoints=[_endpoint_to_wire(endpoint, snapshot) for endpoint in page],
                next_page_token=str(end) if end < len(snapshot.endpoints) else "",
            ).SerializeToString()

        return await answered(context, work)

    async def describe_router(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Describe rules, thresholds and chain policies."""

        async def work(_: Rpc) -> bytes:
            described = self._router.describe()
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
            ).SerializeToString()

        return await answered(context, work)

    async def describe_config(self, raw: bytes, context: Context) -> bytes:  # noqa: ARG002 - no fields
        """Return the effective configuration, secrets redacted."""

        async def work(_: Rpc) -> bytes:
            return admin.DescribeConfigResponse(
                config_json=self._config.json, sources=self._config.sources
            ).SerializeToString()

        return await answered(context, work)


class TelemetryService:
    """The RPCs of `ensemble.v1.TelemetryService`."""

    def __init__(self, fleet: Fleet, router: ModelRouter) -> None:
        self._fleet = fleet
        self._router = router
        self._read = Reader(telemetry.GetMetricsRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            TELEMETRY, {"GetMetrics": grpc.unary_unary_rpc_method_handler(self.get_metrics)}
        )

    async def get_metrics(self, raw: bytes, context: Context) -> bytes:
        """Return a copy of the counters."""

        async def work(_: Rpc) -> bytes:
            endpoint = self._read(raw).endpoint
            if endpoint and endpoint not in self._router.snapshot.by_name:
                raise Fault(
                    Kind.NOT_FOUND,
                    Origin.CALLER,
                    Reason.UNKNOWN_ENDPOINT,
                    f"endpoint: {endpoint!r} is not configured; ListEndpoints names those that are",
                )
            return metrics_to_wire(self._fleet.read(), endpoint).SerializeToString()

        return await answered(context, work)


def _page_start(token: str, count: int) -> int:
    if not token:
        return 0
    if not token.isdecimal() or int(token) >= count:
        raise invalid("page_token", "is no token of this server; take it from the answer before")
    return int(token)


def _endpoint_to_wire(endpoint: Endpoint, snapshot: Snapshot) -> admin.Endpoint:
    return admin.Endpoint(
        name=endpoint.name,
        protocol=endpoint.protocol,
        url=endpoint.url,
        model=endpoint.model,
        capabilities=sorted(CAPABILITY[capability] for capability in endpoint.capabilities),
        priority=endpoint.priority,
        cost_micros_per_1k_tokens=endpoint.cost_micros_per_1k,
        timeout=duration(endpoint.timeout_s),
        max_context_tokens=endpoint.max_context,
        tags=sorted(endpoint.tags),
        drained=endpoint.drained,
        is_default=endpoint.name == snapshot.default_endpoint,
    )
