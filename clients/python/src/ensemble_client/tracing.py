"""Traces: the messages that both clients send about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from ensemble.v1.gateway_service_pb2 import GenerateRequest, TraceRequest
from ensemble.v1.telemetry_service_pb2 import (
    ExportTracesRequest,
    GetDashboardRequest,
    GetTraceRequest,
    ListTracesRequest,
    TraceFormat,
)
from ensemble.v1.trace_pb2 import StageStatus
from google.protobuf.descriptor import EnumValueDescriptor

from ensemble_client.call import Call, CallSettings
from ensemble_client.errors import invalid
from ensemble_client.feedback import span_of
from ensemble_client.requests import RequestOptions, message_of, prepare


class TraceFilter(TypedDict, total=False):
    """Which traces `traces` lists.

    `count`: 1 to 100, else 10. `skip`: so many of the newest are left out. `status`: `ok`,
    `failed` or `cancelled`. `endpoint`: answered by it, or failed at it. `slower_than`: seconds.
    """

    count: int | None
    skip: int
    status: str
    endpoint: str
    slower_than: float | None


def trace_of(
    settings: CallSettings,
    request: GenerateRequest | str,
    options: RequestOptions,
    *,
    dry_run: bool,
) -> tuple[TraceRequest, Call]:
    """Return the message to send and the call to send it with; raises as `prepare`."""
    message, call = prepare(settings, request, options)
    return TraceRequest(generate=message, dry_run=dry_run), call


def listing_of(wanted: TraceFilter) -> ListTracesRequest:
    """Ask for a list of traces; raises InvalidRequest, naming the field at fault."""
    fields: dict[str, object] = {
        "skip": wanted.get("skip", 0),
        "endpoint": wanted.get("endpoint", ""),
        "status": _number("status", StageStatus.DESCRIPTOR.values_by_name, wanted.get("status")),
    }
    if wanted.get("count") is not None:
        fields["count"] = wanted.get("count")
    seconds = wanted.get("slower_than")
    if seconds is not None:
        fields["slower_than"] = span_of("slower_than", seconds)
    return message_of(ListTracesRequest, "", fields)


def lookup_of(name: str) -> GetTraceRequest:
    """Ask for one trace; raises InvalidRequest."""
    return message_of(GetTraceRequest, "", {"id": name})


def export_of(form: str) -> ExportTracesRequest:
    """Ask for all traces as text; raises InvalidRequest for a format that is not known."""
    known = TraceFormat.DESCRIPTOR.values_by_name
    return message_of(ExportTracesRequest, "", {"format": _number("format", known, form)})


def dashboard_of(window: float | None) -> GetDashboardRequest:
    """Ask for what a dashboard shows; raises InvalidRequest for a window that is no span."""
    return GetDashboardRequest(window=span_of("window", window))


def _number(field: str, known: Mapping[str, EnumValueDescriptor], word: str | None) -> int:
    """Find a member of an enum by the end of its name, in lower case."""
    names = {one.name.rpartition("_")[2].lower(): one.number for one in known.values()}
    if not word:
        return 0
    if word not in names or not names[word]:
        words = ", ".join(name for name, number in names.items() if number)
        raise invalid(field, f"must be one of {words}, not {word!r}")
    return names[word]
