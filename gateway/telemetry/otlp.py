"""Sends spans to a collector by OTLP over gRPC; needs the extra `otlp`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from opentelemetry.sdk.trace.export import SpanExporter

NO_EXTRA = (
    'telemetry.traces = "otlp" needs an exporter that is not installed: run '
    "`pip install 'ensemble-gateway[otlp]'`"
)
MODULE = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"


def otlp_exporter(endpoint: str, timeout_s: float) -> Callable[[], SpanExporter]:
    """Return what connects to the collector at `endpoint`.

    One that is not there costs spans, nothing else. `https://` is TLS, `http://` is not. An empty
    one leaves it to `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin. Raises ValueError without the extra.
    """
    try:
        # By name: it is not installed with the gateway.
        module = import_module(MODULE)
    except ImportError:
        raise ValueError(NO_EXTRA) from None
    return partial(module.OTLPSpanExporter, endpoint=endpoint or None, timeout=timeout_s)
