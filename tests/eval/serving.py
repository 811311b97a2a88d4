"""Real replay servers behind a real gateway, on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ensemble_client import AsyncClient

from tests.eval.table import FOLDER
from tests.fakes.processes import start

Recording = Mapping[str, Any]
"""A line of a replay file: prompt, suffix and completions."""

GATEWAY = """
[server]
port = 0
default_deadline_s = {deadline_s}
drain_grace_s = {deadline_s}

[ensemble]
in_flight = {in_flight}

[log]
level = "error"

[sandbox]
kind = "bubblewrap"
max_running = 2
max_waiting = 10000
max_kept = 50000
case_s = {case_s}
wall_s = {wall_s}

[checks]
examples = {examples}
"""

ENDPOINT = """
[[endpoint]]
name = "{name}"
url = "127.0.0.1:{port}"
capabilities = ["code_completion", "high_quality", "fast_inference", "constrained_generation"]
priority = {priority}
tags = ["{name}"]
timeout_s = {deadline_s}
# Recorded models differ in quality, not in health: a suite of quality keeps every one in play.
breaker = "metrics_only"
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A model server of recordings: its name, what it replays and its flags."""

    name: str
    recordings: Iterable[Recording]
    flags: Sequence[str] = field(default=())


@asynccontextmanager
async def gateway_over(
    servers: Sequence[Replayed],
    *,
    in_flight: int = 4,
    case_s: float = 2.0,
    wall_s: float = 10.0,
    deadline_s: float = 900.0,
    examples: bool = False,
) -> AsyncIterator[AsyncClient]:
    """Start everything, the first server with the highest priority; yield a client of it.

    `examples` runs the examples of the prompts beside what a request asks for.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    config = GATEWAY.format(
        in_flight=in_flight,
        case_s=case_s,
        wall_s=wall_s,
        deadline_s=deadline_s,
        examples=str(examples).lower(),
    )
    async with AsyncExitStack() as stack:
        for priority, server in enumerate(servers):
            file = FOLDER / f"replay-{server.name}.jsonl"
            with file.open("w", encoding="utf-8") as lines:
                lines.writelines(json.dumps(row) + "\n" for row in server.recordings)
            running = await stack.enter_async_context(
                start(
                    *("model-server", "--engine", "replay", "--file", str(file)),
                    *("--model", server.name, "--max-in-flight", "1024", *server.flags),
                )
            )
            config += ENDPOINT.format(
                name=server.name, port=running.port, priority=priority, deadline_s=deadline_s
            )
        path = FOLDER / "gateway.toml"
        path.write_text(config, encoding="utf-8")
        gateway = await stack.enter_async_context(start("serve", "--config", str(path)))
        client = AsyncClient(f"127.0.0.1:{gateway.port}", timeout=deadline_s)
        yield await stack.enter_async_context(client)
