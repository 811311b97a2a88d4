"""`python -m tests.load.latency`: time from a caller's leaving, or a deadline, to its effect.

Exits 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub

from tests.fakes.processes import start
from tests.load.latency.events import Events, events_of
from tests.load.latency.measure import DEADLINE_S, Ended, cancel_stream, cancel_unary, meet_deadline
from tests.load.latency.rows import HEADER, Row, Share

if TYPE_CHECKING:
    from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

CANCEL_BAR_MS = 50.0
DEADLINE_BAR_MS = 20.0
EXPLAINED_BAR = 0.99
WARM_UP = 20

HANGS = {"hang": True, "pieces": ["some\n"], "logprobs": []}
# Every call times out here, which must not keep the next ones away.
CONFIG = """
[log]
level = "error"
[[endpoint]]
name = "hanging"
url = "grpc://127.0.0.1:{port}"
breaker = "metrics_only"
"""


@dataclass(frozen=True, slots=True)
class Rig:
    """A gateway over a model server that never answers."""

    stub: GatewayServiceAsyncStub
    events: Events


@asynccontextmanager
async def rig() -> AsyncGenerator[Rig]:
    """Start both processes and connect to the gateway."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("ENSEMBLE_")}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        model = await stack.enter_async_context(
            start(
                module="tests.fakes.model_process", env={**own, "MODEL_SCRIPT": json.dumps(HANGS)}
            )
        )
        output = model.process.stdout
        if output is None:
            raise RuntimeError("the model server has no standard output")
        config = Path(folder) / "gateway.toml"
        config.write_text(CONFIG.format(port=model.port), encoding="utf-8")
        gateway = await stack.enter_async_context(start("serve", "--config", str(config), env=own))
        events = await stack.enter_async_context(events_of(output))
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}")
        )
        yield Rig(GatewayServiceStub(channel), events)


async def measure(calls: int) -> list[Row | Share]:
    """Make the calls, one at a time, after a few that do not count."""
    async with rig() as made:
        stub, events = made.stub, made.events
        for number in range(WARM_UP):
            await cancel_unary(stub, events, f"warm-{number}")
        unary = [await cancel_unary(stub, events, f"unary-{number}") for number in range(calls)]
        stream = [await cancel_stream(stub, events, f"stream-{number}") for number in range(calls)]
        ended = [await meet_deadline(stub, f"deadline-{number}") for number in range(calls)]
    return [
        Row("cancel of a call -> model server", _ms(unary), CANCEL_BAR_MS),
        Row("cancel of a stream -> model server", _ms(stream), CANCEL_BAR_MS),
        Row(
            "200 ms deadline: status at the client - 200 ms",
            _ms([one.after_s - DEADLINE_S for one in ended]),
            DEADLINE_BAR_MS,
        ),
        _explained(ended),
    ]


def _explained(ended: list[Ended]) -> Share:
    good = sum(one.explained for one in ended)
    return Share("200 ms deadline: attempts in the details", good, len(ended), EXPLAINED_BAR)


def _ms(seconds: list[float]) -> tuple[float, ...]:
    return tuple(value * 1000 for value in seconds)


def main() -> int:
    """Measure, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.latency", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls of each measurement")
    calls = parser.parse_args().calls
    started = time.monotonic()
    rows = asyncio.run(measure(calls))
    took_s = time.monotonic() - started
    lines = [f"{calls} calls each, milliseconds, {took_s:.0f} s in all", HEADER, *map(str, rows)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
