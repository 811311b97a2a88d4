"""Messages about telemetry, traces and endpoints as answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import decision_pb2
from ensemble.v1 import telemetry_service_pb2 as telemetry
from ensemble.v1 import trace_pb2 as pb

from gateway.cli.mcp_server import answers
from gateway.cli.mcp_server.bounds import first
from gateway.cli.mcp_server.plain import at, ms, told, word

MOST_MEASURES = 100
"""Of each kind."""

Measured = TypeVar("Measured", bound=answers.Operation)


def totals_of(metrics: telemetry.GetMetricsResponse) -> answers.Totals:
    """Tell the counters of the ensemble."""
    return told(answers.Totals, metrics.ensemble, uptime_s=ms(metrics.uptime) / 1000)


def window_of(found: telemetry.GetTelemetryResponse) -> answers.Window:
    """Tell what the kept traces say together."""
    operations, more = _about(found, telemetry.SUBJECT_OPERATION, answers.Operation)
    matchers, more_matchers = _about(found, telemetry.SUBJECT_MATCHER, answers.Matcher)
    models, more_models = _about(found, telemetry.SUBJECT_MODEL, answers.Model)
    return told(
        answers.Window,
        found,
        since=at(found.since),
        traces_recorded=found.recorded,
        traces_evicted=found.evicted,
        traces_running=found.running,
        traces_bytes=found.bytes,
        operations=operations,
        matchers=matchers,
        models=models,
        omitted=more + more_matchers + more_models,
    )


def _about(
    found: telemetry.GetTelemetryResponse, subject: int, kind: type[Measured]
) -> tuple[list[Measured], int]:
    measures = [one for one in found.measures if one.subject == subject]
    kept, more = first(measures, MOST_MEASURES)
    return [told(kind, one, latency=_latency(one.latency)) for one in kept], more


def _latency(times: telemetry.LatencyStats) -> answers.Latency:
    return told(
        answers.Latency,
        times,
        mean_ms=ms(times.mean),
        p50_ms=ms(times.p50),
        p95_ms=ms(times.p95),
        p99_ms=ms(times.p99),
    )


def summary_of(trace: pb.Trace) -> answers.Summary:
    """Tell a trace without its stages."""
    return told(answers.Summary, trace, **_summed_up(trace))


def trace_of(trace: pb.Trace) -> answers.WholeTrace:
    """Tell a trace with its stages."""
    stages, more = first(trace.stages)
    return told(
        answers.WholeTrace,
        trace,
        **_summed_up(trace),
        answer=told(answers.KeptText, trace.answer),
        stages=[_stage(one) for one in stages],
        omitted_stages=trace.dropped_stages + more,
        changes=[told(answers.Change, one) for one in first(trace.changes)[0]],
    )


def _summed_up(trace: pb.Trace) -> dict[str, object]:
    failed = trace.HasField("failure")
    return {
        "started_at": at(trace.started_at),
        "elapsed_ms": ms(trace.elapsed),
        "status": _status(trace.status),
        "failure": told(answers.WhyFailed, trace.failure) if failed else None,
        "prompt": told(answers.KeptText, trace.prompt),
    }


def _stage(one: pb.Stage) -> answers.Stage:
    return told(
        answers.Stage,
        one,
        status=_status(one.status),
        started_ms=ms(one.started),
        elapsed_ms=ms(one.elapsed),
        self_ms=ms(one.self_time),
    )


def _status(number: int) -> str:
    return word(pb.StageStatus, "STAGE_STATUS", number)


def endpoints_of(found: Sequence[admin.Endpoint]) -> answers.Endpoints:
    """Tell the endpoints."""
    endpoints, more = first(found)
    return answers.Endpoints(endpoints=[_endpoint(one) for one in endpoints], omitted=more)


def _endpoint(one: admin.Endpoint) -> answers.Endpoint:
    state = one.state
    return told(
        answers.Endpoint,
        one,
        capabilities=[word(decision_pb2.Capability, "CAPABILITY", it) for it in one.capabilities],
        timeout_ms=ms(one.timeout),
        breaker=word(admin.BreakerState, "BREAKER_STATE", state.breaker),
        health=word(admin.EndpointHealth, "ENDPOINT_HEALTH", state.health),
        ejected=state.ejected,
        warming_up=state.warming_up,
        failure_rate=state.failure_rate if state.failure_rate >= 0 else None,
        in_flight=state.in_flight,
        waiting=state.waiting,
    )
