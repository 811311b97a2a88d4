"""The checks of `ensemble doctor` that ask a running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
from ensemble.v1 import telemetry_service_pb2 as telemetry
from ensemble.v1.admin_service_pb2 import Endpoint
from ensemble_client import Client, EnsembleError, Unimplemented
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from gateway.cli.endpoints import state_words
from gateway.cli.finding import Finding, broken, good, lacking

CHECK = "/grpc.health.v1.Health/Check"
OPEN = "open"
"""The word of `ensemble endpoints` for one that nothing keeps requests from."""

WORKS = (OPEN, "warming up")


def gateway_findings(target: str, timeout_s: float) -> Iterator[Finding]:
    """Check a gateway; when nothing answers, that is all that is found."""
    health = _health(target, timeout_s)
    yield health
    if health.check == "port":
        return
    with Client(target) as client:
        for check in (_endpoints, _traffic, _tuner, _thresholds):
            try:
                yield from check(client, timeout_s)
            except EnsembleError as error:
                name = check.__name__.strip("_")
                yield broken(name, str(error), "look at the gateway's log")


def _health(target: str, timeout_s: float) -> Finding:
    with grpc.insecure_channel(target) as channel:
        check = channel.unary_unary(
            CHECK,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        try:
            answer = check(HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            words = getattr(error, "details", str)()
            do = "run `ensemble serve`, or name the gateway with --target HOST:PORT"
            return broken("port", f"nothing answers at {target}: {words}", do)
    if answer.status == HealthCheckResponse.SERVING:
        return good("health", f"{target} is SERVING")
    words = HealthCheckResponse.ServingStatus.Name(answer.status)
    return broken("health", f"{target} is {words}", "it starts, or drains: wait, or start it anew")


def _endpoints(client: Client, timeout_s: float) -> Iterator[Finding]:
    listed = client.endpoints(timeout=timeout_s)
    for endpoint in listed:
        yield _endpoint(endpoint)
    if not any(state_words(one) in WORKS for one in listed):
        yield broken("endpoints", "no endpoint may be called", "mend at least one of them")


def _endpoint(endpoint: Endpoint) -> Finding:
    check, words = f"endpoint {endpoint.name}", state_words(endpoint)
    found = f"{'may be called' if words == OPEN else words}, {endpoint.url}"
    if words in WORKS:
        return good(check, found)
    if endpoint.drained:
        do = f"run `ensemble endpoints undrain {endpoint.name}` when it may be called again"
    else:
        do = f"see whether {endpoint.url} runs, and what it logs"
    return lacking(check, found, do)


def _traffic(client: Client, timeout_s: float) -> Iterator[Finding]:
    try:
        found = client.dashboard(timeout=timeout_s)
    except Unimplemented:
        yield lacking("window", "dashboards are off", "set dashboard.enabled = true")
        return
    minutes = round(found.window.ToTimedelta().total_seconds() / 60)
    words = f"{found.requests:,} requests and {found.decisions:,} decisions in {minutes} minutes"
    if not found.requests:
        yield lacking("window", words, "send a request, or look further back with `--window 1d`")
    elif not found.decisions:
        yield lacking("window", words, "set outcomes.enabled, so that decisions are recorded")
    else:
        yield good("window", words)
    for one in found.targets:
        if one.grade in {telemetry.GRADE_WARN, telemetry.GRADE_BAD}:
            do = "see `ensemble analyze` for what to do"
            yield lacking("target", f"{one.name}: {one.text}; {one.target}", do)


def _tuner(client: Client, timeout_s: float) -> Iterator[Finding]:
    settings: dict[str, Any] = json.loads(client.describe_config(timeout=timeout_s).config_json)
    if not settings["outcomes"]["enabled"]:
        yield lacking("tuner", "this gateway keeps no decisions", "set outcomes.enabled")
        return
    needed: int = settings["tuner"]["min_samples"]
    analysis = client.analyze_routing(timeout=timeout_s)
    if not any(one.attempts for one in analysis.layers):
        do = "configure [[topic]] tables, or report outcomes, so that there is something to ask"
        yield lacking("tuner", "no layer was asked yet", do)
    for one in analysis.layers:
        if not one.attempts:
            continue
        found = f"{one.labelled:,} known outcomes; a proposal needs {needed:,}"
        if one.labelled >= needed:
            yield good(f"tuner {one.layer}", found)
        else:
            yield lacking(f"tuner {one.layer}", found, "report outcomes: `ensemble outcome`")


def _thresholds(client: Client, timeout_s: float) -> Iterator[Finding]:
    settings: dict[str, Any] = json.loads(client.describe_config(timeout=timeout_s).config_json)
    if settings["outcomes"]["enabled"]:
        version = client.thresholds(timeout=timeout_s).set
        yield good("thresholds", f"version {version.version} is in force")
