"""`ensemble traces`: the traces that a running gateway keeps."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import document_of, print_document, print_json, print_table
from gateway.cli.showing_trace import ms_of, print_trace, status_of

app = typer.Typer(name="traces", help="List, show, export and clear traces.", no_args_is_help=True)


class Status(StrEnum):
    """How a request ended."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Format(StrEnum):
    """How traces are written."""

    JSON = "json"
    CSV = "csv"


@app.command("list")
def list_(
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 10,
    skip: Annotated[int, typer.Option(min=0, help="Leave out so many of the newest.")] = 0,
    status: Annotated[Status | None, typer.Option(help="Only those that ended so.")] = None,
    endpoint: Annotated[str, typer.Option(help="Only those answered by this endpoint.")] = "",
    slower_ms: Annotated[
        float, typer.Option(min=0, help="Only those that took at least so long.")
    ] = 0.0,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """List the newest traces, newest first."""
    from ensemble_client import Client, TraceFilter

    wanted = TraceFilter(
        count=count,
        skip=skip,
        status=status or "",
        endpoint=endpoint,
        slower_than=slower_ms / 1000 if slower_ms else None,
    )
    with exits(), Client(target) as client:
        found = client.traces(wanted, timeout=timeout)
    if as_json:
        print_document({"traces": [document_of(one) for one in found]})
        return
    print_table(
        f"{len(found)} traces, newest first",
        ("trace", "at", "ms", "status", "endpoint", "decided by", "why it failed"),
        [
            (
                one.trace_id,
                one.started_at.ToDatetime(UTC).isoformat(timespec="milliseconds"),
                ms_of(one.elapsed),
                status_of(one.status),
                one.endpoint,
                one.decided_by,
                one.failure.reason,
            )
            for one in found
        ],
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A trace id, or that of a request.")],
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show one trace with its stages."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        found = client.get_trace(name, timeout=timeout)
    if as_json:
        print_json(found)
    else:
        print_trace(found)


@app.command("clear")
def clear(target: Target = DEFAULT_TARGET, timeout: Timeout = DEFAULT_TIMEOUT) -> None:
    """Remove all traces that are kept. Requests that run are kept when they end."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        cleared = client.clear_traces(timeout=timeout)
    print(f"{cleared} traces removed")


@app.command("export")
def export(
    form: Annotated[Format, typer.Option("--format", help="json: one trace a line.")] = Format.JSON,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; else standard output.")
    ] = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Write all traces that are kept, oldest first. An existing file is replaced."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        parts = client.export_traces(form, timeout=timeout)
        if output is None:
            for part in parts:
                print(part, end="")
            return
        try:
            # The lines of CSV end as they come.
            with output.open("w", encoding="utf-8", newline="") as file:
                file.writelines(parts)
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror}", Exit.FAILED)
