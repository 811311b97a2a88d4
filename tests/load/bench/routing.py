"""`python -m tests.load.bench.routing`: how long one decision takes, as JSON on standard output."""

from __future__ import annotations

import gc
import json
import time

from gateway.core.endpoint import Capability, Endpoint
from gateway.core.hole import EndpointFilter, Hole, HoleKind, HoleSpec, Request
from gateway.core.snapshot import Snapshot
from gateway.routing.router import ModelRouter
from tests.load.bench.messages import prompt

CAPABILITIES = tuple(Capability)
SIZES = {10: 5_000, 1_000: 1_000}
"""Decisions timed, by the number of endpoints."""


def endpoints(count: int) -> tuple[Endpoint, ...]:
    """Return endpoints with every capability among them and one tag each."""
    return tuple(
        Endpoint(
            name=f"endpoint-{number}",
            capabilities=frozenset({CAPABILITIES[number % len(CAPABILITIES)]}),
            priority=number % 7,
            tags=frozenset({f"zone-{number % 3}"}),
        )
        for number in range(count)
    )


def p99_ms(count: int, decisions: int) -> float:
    """Time decisions over `count` endpoints; each one filters by a tag, so none is prepared."""
    router = ModelRouter(Snapshot.of(endpoints(count)))
    spec = HoleSpec(kind=HoleKind.BLOCK, language="python")
    asked = [
        Request(
            hole=Hole(prompt(number), spec=spec),
            request_id=str(number),
            endpoint_filter=EndpointFilter(required_tags=frozenset({"zone-1"})),
        )
        for number in range(16)
    ]
    took: list[float] = []
    gc.collect()
    for number in range(decisions):
        started = time.perf_counter()
        router.route(asked[number % len(asked)])
        took.append(time.perf_counter() - started)
    return 1e3 * sorted(took)[decisions * 99 // 100]


if __name__ == "__main__":
    print(json.dumps({count: p99_ms(count, times) for count, times in SIZES.items()}))  # noqa: T201
