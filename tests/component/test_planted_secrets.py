"""Secrets planted wherever a caller or an endpoint can put one, looked for wherever it is shown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as tp
from ensemble.v1.hole_pb2 import Constraint, RegexPattern
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fakes.gateways import failure, request, streamed
from tests.fakes.script import Failure, Script
from tests.fakes.served import TIMEOUT_S
from tests.fakes.traced import Traced
from tests.fakes.watched import Collector, get

BARE = "hunter2-planted"
"""Nothing tells that this is a secret: no text that may hold one may be shown."""
KEY = "sk-planted0123456789abcdef"
"""A key as a service hands them out: it is redacted also where a text is shown."""
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def metadata(secret: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-ensemble-tenant", secret),
        ("authorization", f"Bearer {secret}"),
        ("baggage", f"k={secret}"),
        ("tracestate", f"k={secret}"),
        ("x-other", secret),
        ("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01"),
    )


def pattern(name: str, regex: str) -> Constraint:
    return Constraint(name=name, regex=RegexPattern(pattern=regex))


async def plant(served: Traced, secret: str, *, named: str) -> None:
    """Ask in every way, with a secret in every place; `named` is for names, which are shown."""
    fields: dict[str, Any] = {
        "suffix": f"# {secret}",
        "labels": {"task": named, "note": named},
        "session_id": named,
        "trace": True,
    }
    sent: dict[str, Any] = {"metadata": metadata(secret), "timeout": TIMEOUT_S}
    door = served.door

    def asked(**more: Any) -> pb.GenerateRequest:
        return request(f"login('{secret}')", **{**fields, **more})

    await door.generate(asked(), **sent)
    traced = pb.TraceRequest(generate=asked(), dry_run=True)
    await served.ask_trace(traced, **sent)
    async for _ in door.stream(streamed(secret, sampling={"stop": [secret]}, **fields), **sent):
        pass
    broken = [pattern(named, f"^{secret}[")]
    await failure(door.generate(asked(constraints=broken), **sent))
    rejected = [pattern(named, f"^no {secret}$")]
    await failure(door.generate(asked(constraints=rejected), **sent))
    strange = asked(endpoint_filter={"required_tags": [named]})
    await failure(door.generate(strange, **sent))
    await served.trace(f"login('{secret}')", n=3)


def without_state(span: Span) -> bytes:
    """What a caller puts into `tracestate` belongs to its trace by the standard, and only there."""
    copy = Span()
    copy.CopyFrom(span)
    copy.ClearField("trace_state")
    return copy.SerializeToString()


async def shown(served: Traced) -> AsyncIterator[tuple[str, str]]:
    """Everything that the gateway shows of what it did, by where it stands."""
    for one in await served.listed(count=100):
        yield "ListTraces", str(one)
        yield "GetTrace", str(await served.get(one.request_id))
    yield "GetTelemetry", str(await served.telemetry())
    yield "JSON", await served.exported(tp.TRACE_FORMAT_JSON)
    yield "CSV", await served.exported(tp.TRACE_FORMAT_CSV)
    gateway = served.door.gateway
    assert gateway is not None
    port = gateway.observability.admin_port
    assert port is not None
    for accept in ("", OPEN_METRICS):
        yield f"/metrics {accept}", (await get(port, accept=accept))[1]


@asynccontextmanager
async def watched(secret: str, named: str, policy: str) -> AsyncIterator[tuple[Traced, Collector]]:
    """All is on; the first endpoint fails with the secret, the second writes it."""
    broken = Script(failure=Failure.BROKEN, words=secret)
    good = Script(pieces=(f"token = '{secret}'",), model=named)
    async with (
        Collector() as collector,
        Traced(
            broken,
            good,
            trace={"text": policy, "slow_s": 1e-6},
            telemetry={"traces": "otlp", "otlp_endpoint": collector.url, "sample_ratio": 1.0},
            admin={"port": 0},
        ) as served,
    ):
        yield served, collector


@pytest.mark.parametrize(
    ("secret", "named", "policy"),
    [
        (BARE, "a name", "none"),
        (BARE, "a name", "hash"),
        (KEY, KEY, "hash"),
        (KEY, KEY, "first"),
        (KEY, KEY, "full"),
    ],
)
async def test_a_planted_secret_is_shown_nowhere(
    secret: str, named: str, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """V-08, T-12 ✗: nested values leaked, and prompts were stored and logged."""
    caplog.set_level(logging.INFO)
    async with watched(secret, named, policy) as (served, collector):
        await plant(served, secret, named=named)
        places = [(name, text) async for name, text in shown(served)]
        counts = await served.telemetry()
        assert counts.requests >= 6
    lines = [str(record.__dict__) for record in caplog.records]
    assert any("slow request" in line for line in lines)
    assert any("request failed" in line for line in lines)
    places += [("log", line) for line in lines]
    places += [("span", str(without_state(span))) for span in collector.spans]
    assert len(collector.spans) > 5
    assert [name for name, text in places if secret in text] == []
