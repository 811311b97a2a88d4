"""What each tool does: asks the gateway and tells what it said."""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
from contextlib import aclosing
from datetime import UTC, datetime

from ensemble_client import FailedPrecondition, TraceFilter

from gateway.cli.mcp_server import answers, arguments
from gateway.cli.mcp_server.exports import MOST_BYTES, ExportDirectory, no_directory, too_large
from gateway.cli.mcp_server.route_answers import Fill, Route
from gateway.cli.mcp_server.telling import (
    endpoints_of,
    summary_of,
    totals_of,
    trace_of,
    window_of,
)
from gateway.cli.mcp_server.telling_routes import fill_of, route_of
from gateway.cli.mcp_server.tool import Desk


async def get_telemetry(desk: Desk, _: arguments.NoArguments) -> answers.Telemetry:
    """Ask for the counters, and for what the traces say where there are any."""
    totals = totals_of(await desk.client.metrics(timeout=desk.timeout_s))
    try:
        traced = window_of(await desk.client.telemetry(timeout=desk.timeout_s))
    except FailedPrecondition as error:
        return answers.Telemetry(since_start=totals, traced=None, note=error.message)
    return answers.Telemetry(since_start=totals, traced=traced, note="")


async def recent_traces(desk: Desk, asked: arguments.RecentTraces) -> answers.Traces:
    """List traces."""
    wanted = TraceFilter(
        count=asked.count,
        status=asked.status or "",
        endpoint=asked.endpoint or "",
        slower_than=None if asked.slower_ms is None else asked.slower_ms / 1000,
    )
    found = await desk.client.traces(wanted, timeout=desk.timeout_s)
    return answers.Traces(traces=[summary_of(one) for one in found[: asked.count]])


async def get_trace(desk: Desk, asked: arguments.OneTrace) -> answers.WholeTrace:
    """Show one trace."""
    return trace_of(await desk.client.get_trace(asked.id, timeout=desk.timeout_s))


async def export_telemetry(desk: Desk, asked: arguments.Export) -> answers.Exported:
    """Write all kept traces into a new file, when all of them have come."""
    if desk.exports is None:
        raise no_directory()
    with desk.exports.alone():
        text = await _exported(desk, asked.format)
        # Whoever stops waiting: a file that was begun is ended.
        return await asyncio.to_thread(_written, desk.exports, text, asked.format)


async def _exported(desk: Desk, form: str) -> str:
    parts, size = list[str](), 0
    async with aclosing(desk.client.export_traces(form, timeout=desk.timeout_s)) as coming:
        async for part in coming:
            parts.append(part)
            size += len(part.encode())
            if size > MOST_BYTES:
                raise too_large()
    return "".join(parts)


def _written(directory: ExportDirectory, text: str, form: str) -> answers.Exported:
    name, size = directory.write(text, form, datetime.now(UTC), secrets.token_hex(4))
    # A cell may hold the end of a line, and the first row names the columns.
    rows = csv.reader(io.StringIO(text, newline=""))
    traces = text.count("\n") if form == "json" else sum(1 for _ in rows) - 1
    return answers.Exported(file=name, format=form, traces=traces, bytes=size)


async def explain_route(desk: Desk, asked: arguments.Hole) -> Route:
    """Ask where a hole would go."""
    fields = asked.request_fields()
    answer = await desk.client.route(asked.prompt, timeout=desk.timeout_s, **fields)
    return route_of(answer)


async def generate(desk: Desk, asked: arguments.FillHole) -> Fill:
    """Have a hole filled."""
    fields = asked.request_fields()
    answer = await desk.client.generate(asked.prompt, timeout=desk.timeout_s, **fields)
    return fill_of(answer)


async def list_endpoints(desk: Desk, _: arguments.NoArguments) -> answers.Endpoints:
    """List the endpoints."""
    return endpoints_of(await desk.client.endpoints(timeout=desk.timeout_s))
