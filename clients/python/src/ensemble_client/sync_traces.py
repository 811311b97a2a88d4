"""The blocking client's methods about traces, and about how the gateway did."""

from __future__ import annotations

from collections.abc import Generator
from typing import Unpack

from ensemble.v1.gateway_service_pb2 import GenerateRequest, TraceResponse
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.telemetry_service_pb2 import (
    ClearTracesRequest,
    GetDashboardResponse,
    GetTelemetryRequest,
    GetTelemetryResponse,
)
from ensemble.v1.telemetry_service_pb2_grpc import TelemetryServiceStub
from ensemble.v1.trace_pb2 import Trace

from ensemble_client.call import CallOptions, CallSettings
from ensemble_client.requests import RequestOptions
from ensemble_client.status import typed_errors
from ensemble_client.sync_calls import ask
from ensemble_client.tracing import (
    TraceFilter,
    dashboard_of,
    export_of,
    listing_of,
    lookup_of,
    trace_of,
)


class TraceCalls:
    """Part of `Client`, which sets the attributes."""

    _settings: CallSettings
    _gateway: GatewayServiceStub
    _telemetry: TelemetryServiceStub

    def trace(
        self,
        request: GenerateRequest | str,
        *,
        dry_run: bool = False,
        **options: Unpack[RequestOptions],
    ) -> TraceResponse:
        """Fill one hole like `generate` and return everything that happened on the way.

        A failure of the filling is part of the answer, in `failure`; nothing is raised for it.
        With `dry_run` no endpoint is called: the trace tells how the request would be routed.
        """
        message, call = trace_of(self._settings, request, options, dry_run=dry_run)
        return ask(self._gateway.Trace, message, call)

    def traces(
        self, wanted: TraceFilter | None = None, **options: Unpack[CallOptions]
    ) -> list[Trace]:
        """List the newest traces that are kept, newest first, without their stages."""
        call = self._settings.call(**options)
        return list(ask(self._telemetry.ListTraces, listing_of(wanted or {}), call).traces)

    def get_trace(self, name: str, **options: Unpack[CallOptions]) -> Trace:
        """Return the newest trace of a trace id or a request id.

        Raises NotFound when it is not kept, or no longer.
        """
        call = self._settings.call(**options)
        return ask(self._telemetry.GetTrace, lookup_of(name), call).trace

    def clear_traces(self, **options: Unpack[CallOptions]) -> int:
        """Have the gateway remove all traces that it keeps; return how many."""
        call = self._settings.call(**options)
        return ask(self._telemetry.ClearTraces, ClearTracesRequest(), call).cleared

    def export_traces(self, form: str = "json", **options: Unpack[CallOptions]) -> Generator[str]:
        """Hand out all kept traces, oldest first, as text: `json` lines, or `csv`.

        The parts are whole lines, to be joined. Leaving early cancels the call.
        """
        call = self._settings.call(**options)
        rpc = self._telemetry.ExportTraces(export_of(form), **call.arguments)
        try:
            with typed_errors(call.request_id):
                for part in rpc:
                    yield part.text
        finally:
            rpc.cancel()

    def telemetry(self, **options: Unpack[CallOptions]) -> GetTelemetryResponse:
        """Return what the kept traces say together: per matcher, endpoint and operation."""
        call = self._settings.call(**options)
        return ask(self._telemetry.GetTelemetry, GetTelemetryRequest(), call)

    def dashboard(
        self, window: float | None = None, **options: Unpack[CallOptions]
    ) -> GetDashboardResponse:
        """Return what dashboards show: counts over a window, and how things stand now.

        `window` is seconds back from now, 60 to 86,400; else as the gateway is configured. Raises
        Unimplemented where dashboards are off.
        """
        call = self._settings.call(**options)
        return ask(self._telemetry.GetDashboard, dashboard_of(window), call)
