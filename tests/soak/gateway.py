"""`python -m tests.soak.gateway '{"config": FILE}'`: a gateway that tells how it stands.

It serves as `ensemble serve` does. Beside that it says its port on standard output and follows
orders on standard input: `read` says the numbers of `reading`, `trace` starts tracemalloc and
`traced` says which lines hold more memory than then. Nothing is done for a request, and it ends
with its standard input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from gateway.app import Gateway
from gateway.config.load import load
from gateway.config.schema import Settings
from gateway.ingress.standard import stop_on_signals
from gateway.telemetry.logs import set_up
from tests.conformance.servers.orders import Document, obey

PAGE = os.sysconf("SC_PAGE_SIZE")
SHOWN = 30


def reading(gateway: Gateway) -> Document:
    """Tell what must not grow. `in_flight` sums the gates, `attempts` the fleet's counters."""
    parts = gateway.parts
    gates = [one.gate for one in parts.endpoints.values()]
    admitted, did = parts.admission.read(), parts.counters()
    statm = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return {
        "rss": int(statm[1]) * PAGE,
        "fds": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "gc": gc.get_count(),
        "in_flight": sum(gate.in_flight for gate in gates),
        "waiting": sum(gate.waiting for gate in gates),
        "attempts": sum(one.in_flight for one in parts.fleet.read().endpoints),
        "running": admitted.running,
        "queued": admitted.queued,
        "admitted": admitted.admitted,
        "longest_wait_s": admitted.longest_wait_s,
        "replays": parts.replays.entries,
        "replay_bytes": parts.replays.bytes_kept,
        "retries": did.retries,
        "hedges": did.hedges,
        "shed": did.shed,
        "replayed": did.replayed,
    }


@dataclass(slots=True)
class Traces:
    """What was allocated, and how many objects there were, when tracing began."""

    before: list[tracemalloc.Snapshot] = field(default_factory=list[tracemalloc.Snapshot])
    objects: Counter[str] = field(default_factory=Counter[str])

    def begin(self) -> None:
        """Remember how it is now."""
        tracemalloc.start(8)
        gc.collect()
        self.before = [tracemalloc.take_snapshot()]
        self.objects = _objects()

    def grown(self) -> Document:
        """Tell what there is more of, most first."""
        gc.collect()
        found = tracemalloc.take_snapshot().compare_to(self.before[0], "lineno")
        more = _objects() - self.objects
        return {
            "lines": [str(one) for one in found[:SHOWN]],
            "total": sum(one.size_diff for one in found),
            "objects": dict(more.most_common(SHOWN)),
        }


def _objects() -> Counter[str]:
    return Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())


def follow(gateway: Gateway, traces: Traces, order: Document) -> Document:
    """Follow one order; return what is said to it."""
    match order["do"]:
        case "read":
            return reading(gateway)
        case "trace":
            traces.begin()
        case "traced":
            return traces.grown()
        case unknown:
            return {"error": f"no such order: {unknown}"}
    return {"ok": True}


async def serve(settings: Settings, source: str) -> None:
    """Serve as the command does, and follow orders meanwhile."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    traces = Traces()
    async with Gateway(settings, sources=(source,)) as gateway:
        port = await gateway.start()
        orders = asyncio.create_task(
            obey({"port": port}, lambda order: follow(gateway, traces, order))
        )
        orders.add_done_callback(lambda _: stop.set())
        await gateway.serve(stop)
        orders.cancel()


def main(config: str) -> None:
    """Serve with a configuration file; errors go to a file beside it."""
    log = os.open(str(Path(config).with_suffix(".log")), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    settings = load(Path(config))
    set_up(settings.log.level, settings.log.format)
    uvloop.run(serve(settings, config))


if __name__ == "__main__":
    main(json.loads(sys.argv[1])["config"])
