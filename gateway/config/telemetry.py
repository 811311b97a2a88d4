"""Settings of what operators see: traces, metrics and the admin listener."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_validator

from gateway.config.section import Seconds, Section, Share


class Traces(StrEnum):
    """Where spans go."""

    OFF = "off"
    OTLP = "otlp"


class TelemetryConfig(Section):
    """Traces and metrics of OpenTelemetry; none of them ever holds a prompt or a completion."""

    traces: Traces = Field(
        default=Traces.OFF,
        description="otlp sends spans to a collector by gRPC and needs the extra `otlp`.",
    )
    otlp_endpoint: str = Field(
        default="",
        description="Its http:// or https:// address; empty: that of OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
    otlp_timeout_s: Seconds = Field(default=5.0, description="Longest time of one export.")
    sample_ratio: Share = Field(
        default=0.1,
        description="Share of the requests without a traceparent that are traced; "
        "one that is traced costs some 0.1 ms of the processor.",
    )
    service_name: str = Field(
        default="ensemble-gateway", min_length=1, max_length=128, description="Name in the traces."
    )
    prometheus: bool = Field(
        default=True, description="Count for /metrics, where the admin listener is on."
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def endpoint_is_an_address(cls, value: str) -> str:
        """Refuse what the exporter would take for something else, and a password in it."""
        if value and (not value.startswith(("http://", "https://")) or "@" in value):
            raise ValueError("must be http:// or https:// with host and port, without a user")
        return value


class AdminConfig(Section):
    """The HTTP listener for operators: dashboard, /metrics, /healthz, /readyz. It needs `http`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; the pages are open to whoever can reach it.",
    )
    port: int | None = Field(
        default=None, ge=0, le=65535, description="Port; 0 takes a free one; none: it is off."
    )
