"""`ensemble metrics`: what a running gateway did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import exits
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ensemble.v1 import telemetry_service_pb2
    from google.protobuf.duration_pb2 import Duration


def metrics(
    endpoint: Annotated[str, typer.Option(help="Only this endpoint.")] = "",
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show the counters of the ensemble and of each endpoint."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        answer = client.metrics(endpoint, timeout=timeout)
        if as_json:
            print_json(answer)
            return
        rows = [
            _metrics_row(item.endpoint, counters)
            for item in answer.endpoints
            for counters in (item.lifetime, item.window)
        ]
        print_table(
            _title(answer.ensemble),
            (
                "endpoint",
                "span",
                "attempts",
                "success",
                "mean ms",
                "p50 ms",
                "p95 ms",
                "failed in ms",
                "confidence",
            ),
            rows,
        )


def _title(total: telemetry_service_pb2.EnsembleCounters) -> str:
    """Sum up the requests; a second line says what the guards did, if they did anything."""
    requests = (
        f"{total.requests} requests: {total.succeeded} answered, {total.failed} failed; "
        f"{total.fallback_used} used a fallback, {total.fallback_exhausted} exhausted theirs"
    )
    guards = (
        (total.retries, f"{total.retries} retries"),
        (total.hedges, f"{total.hedges} hedges, {total.hedge_wins} of them first"),
        (total.shed, f"{total.shed} turned away"),
        (total.queued, f"{total.queued} waiting now"),
        (total.replayed, f"{total.replayed} replayed"),
    )
    acted = "; ".join(words for count, words in guards if count)
    return f"{requests}\n{acted}" if acted else requests


def _metrics_row(name: str, counters: telemetry_service_pb2.EndpointCounters) -> tuple[str, ...]:
    return (
        name,
        counters.span,
        str(counters.attempts),
        f"{counters.success_rate:.1%}" if counters.attempts else "-",
        _ms(counters.success_latency.mean),
        _ms(counters.success_latency.p50),
        _ms(counters.success_latency.p95),
        _ms(counters.failure_latency.mean) if counters.failures else "-",
        f"{counters.mean_confidence:.2f}" if counters.judged else "-",
    )


def _ms(span: Duration) -> str:
    return f"{span.ToNanoseconds() / 1e6:.1f}"
