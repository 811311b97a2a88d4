"""`make eval`: recorded holes through a real gateway and a real replay server, byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from ensemble_client import AsyncClient

from tests.eval import program
from tests.eval.holes import SETS, RecordedHole, recorded
from tests.fakes.processes import start

DATA = Path(os.environ.get("ENSEMBLE_DATA", "../shared/data")) / "code"
REPORT = Path("build/eval/infilling.json")
IN_FLIGHT = 8
JUDGE_SECONDS = 600

CONFIG = """
[server]
port = 0

[[endpoint]]
name = "replay"
url = "127.0.0.1:{port}"
capabilities = ["code_completion", "high_quality", "fast_inference"]
"""


async def main() -> int:
    """Send every hole; return 0 when each came back exact and passed its tests."""
    if not DATA.is_dir():
        print(f"eval skipped: no recorded data in {DATA} (set ENSEMBLE_DATA)")
        return 0
    holes = list(recorded(DATA))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    replay = REPORT.parent / "replay.jsonl"
    replay.write_text("".join(replay_row(hole) for hole in holes), encoding="utf-8")
    async with start("model-server", "--engine", "replay", "--file", str(replay)) as server:
        config = REPORT.parent / "gateway.toml"
        config.write_text(CONFIG.format(port=server.port), encoding="utf-8")
        async with (
            start("serve", "--config", str(config)) as gateway,
            AsyncClient(f"127.0.0.1:{gateway.port}") as client,
        ):
            gate = asyncio.Semaphore(IN_FLIGHT)
            fills = await asyncio.gather(*(fill(client, hole, gate) for hole in holes))
    passed = judge([hole.program(text) for hole, text in zip(holes, fills, strict=True)])
    exact = [text == hole.fill for hole, text in zip(holes, fills, strict=True)]
    return report(holes, list(zip(exact, passed, strict=True)))


def replay_row(hole: RecordedHole) -> str:
    """Write one line of the replay server's file."""
    row = {"prompt": hole.prompt, "suffix": hole.suffix, "completions": [{"text": hole.fill}]}
    return json.dumps(row) + "\n"


async def fill(client: AsyncClient, hole: RecordedHole, gate: asyncio.Semaphore) -> str:
    """Ask the gateway for one fill."""
    async with gate:
        answer = await client.generate(
            hole.prompt, suffix=hole.suffix, language="python", timeout=60
        )
        return answer.text


def judge(programs: list[str]) -> list[bool]:
    """Say of each program whether it passes, in a process that has no gRPC in it."""
    ran = subprocess.run(
        [sys.executable, "-I", program.__file__],
        input="".join(json.dumps(text) + "\n" for text in programs),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=JUDGE_SECONDS,
    )
    return [line == "1" for line in ran.stdout.splitlines()]


def report(holes: list[RecordedHole], results: list[tuple[bool, bool]]) -> int:
    """Print the table, write the JSON, return the exit code."""
    sent = Counter(hole.kind for hole in holes)
    exact = Counter(h.kind for h, (same, _) in zip(holes, results, strict=True) if same)
    passed = Counter(h.kind for h, (_, ok) in zip(holes, results, strict=True) if ok)
    print(f"{'set':<18}{'share':>8}{'holes':>8}{'exact':>8}{'passed':>8}")
    for kind, share in SETS.items():
        print(f"{kind:<18}{f'1/{share}':>8}{sent[kind]:>8}{exact[kind]:>8}{passed[kind]:>8}")
    for hole, (same, ok) in zip(holes, results, strict=True):
        if not (same and ok):
            print(f"missed: {hole.task_id} exact={same} passed={ok}", file=sys.stderr)
    REPORT.write_text(
        json.dumps({kind: [sent[kind], exact[kind], passed[kind]] for kind in SETS}, indent=2)
    )
    missed = 2 * sum(sent.values()) - sum(exact.values()) - sum(passed.values())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
