"""`python -m tests.load.agreement`: how fast the load harness is, and whether it tells the truth.

The speed is what one process of it gets out of a bare echo server on the other core, in a closed
loop; beside it, how late it is with an open one. Its percentiles are compared with those of h2load
(Debian: nghttp2-client), which shares no code with it, on the same servers: one that waits for a
drawn time, as a model does, and the gateway with all it can do. Rounds are interleaved, and medians
are compared. The gateway's tails at its limit differ from one round of the same generator to the
next; they are held against the bar all the same.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble_loadtest.native import NativeCodec
from ensemble_loadtest.prompts import Asking, Prompt

from tests.load.bench.processes import LOAD_CORE, TARGET_CORE, Running, running, server
from tests.load.bench.targets import gateway
from tests.load.policies.__main__ import say

SPEED_BAR = 3_000
OPEN_RATE = 3_000
APART_BAR = 0.05
# Of no language that the gateway parses: its checks are not what is measured.
PROMPT = Prompt("x" * 1024, language="text")
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
ECHO = ("tests.fakes.echo_http2",)
WAITING = (*ECHO, "--median-ms", "25")
BUILD = Path("build/bench")

Percentiles = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One number of several rounds, and its bar; `above`: good is above it."""

    what: str
    rounds: Sequence[float]
    bar: float
    unit: str
    above: bool = False

    @property
    def median(self) -> float:
        """What counts."""
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool:
        """Whether the bar is kept."""
        return self.median >= self.bar if self.above else self.median <= self.bar

    def __str__(self) -> str:
        least, most = min(self.rounds), max(self.rounds)
        verdict = "ok" if self.met else "MISSED"
        numbers = f"{least:11.1f}{self.median:11.1f}{most:11.1f}{self.bar:11.1f}"
        return f"{self.what:<44}{numbers}  {self.unit:<11}{verdict}".rstrip()


def harness(target: Running, folder: Path, *load: str) -> dict[str, Any]:
    """Run the harness as a user does, on its own core; return its report."""
    prompts = folder / "prompts.jsonl"
    prompts.write_text(json.dumps({"prompt": PROMPT.prompt, "language": PROMPT.language}))
    command = ("-m", "ensemble_loadtest", "-t", target.address, "--json", "-")
    more = ("--prompts", str(prompts), "--max-lag", "1h", *load)
    with running(LOAD_CORE, sys.executable, *command, *more) as process:
        report: dict[str, Any] = json.loads(process.stdout.read())
    totals = report["totals"]
    if totals["failed"] or not totals["good"]:
        raise RuntimeError(f"wrong answers: {report['errors']}")
    return report


def h2load(target: Running, in_flight: int, seconds: int, folder: Path) -> Percentiles:
    """Run h2load on the same core; return percentiles of whole requests, in seconds."""
    message = NativeCodec([PROMPT], Asking()).requests()[0]
    body, log = folder / "body", folder / "log"
    body.write_bytes(b"\0" + struct.pack(">I", len(message)) + message)
    log.unlink(missing_ok=True)
    command = [
        "taskset", "-c", str(LOAD_CORE), "h2load", "-c", "1", "-m", str(in_flight),
        "-D", str(seconds), "-d", str(body), "-H", "content-type: application/grpc",
        "-H", "te: trailers", f"--log-file={log}", f"http://{target.address}{NativeCodec.path}",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    lines = (line.split("\t") for line in log.read_text(encoding="utf-8").splitlines())
    times = sorted(int(took) / 1e6 for _, status, took, *_ in lines if status == "200")
    if not times:
        raise RuntimeError("h2load got no answer")
    ranks = {name: math.ceil(share * len(times)) - 1 for name, share in SHARES.items()}
    return {name: times[rank] for name, rank in ranks.items()}


def speed(folder: Path, rounds: int, seconds: int) -> list[Row]:
    """Measure how much one process sends, and how late it is at a rate of its own."""
    closed, lag = list[float](), list[float]()
    with server(TARGET_CORE, *ECHO) as echo:
        for _ in range(rounds):
            done = harness(echo, folder, "--workers", "32", "-d", f"{seconds}s")
            closed.append(done["totals"]["requests_per_s"])
            done = harness(echo, folder, "--rate", str(OPEN_RATE), "-d", f"{seconds}s")
            lag.append(done["times"]["lag"]["p50"] * 1e3)
    return [
        Row("one process, closed loop of 32", closed, SPEED_BAR, "requests/s", above=True),
        Row(f"median lateness at {OPEN_RATE}/s", lag, 1.0, "ms"),
    ]


def agreement(
    what: str, target: Running, folder: Path, in_flight: int, rounds: int, seconds: int
) -> dict[str, Row]:
    """Compare the percentiles of both generators on one server; how far apart they are, by name."""
    load = ("--workers", str(in_flight), "-d", f"{seconds}s")

    def ours() -> Percentiles:
        return harness(target, folder, *load)["times"]["latency"]

    def theirs() -> Percentiles:
        return h2load(target, in_flight, seconds, folder)

    ours()
    pairs: list[tuple[Percentiles, Percentiles]] = []
    for number in range(rounds):
        # Neither is always the one that comes second.
        if number % 2:
            mine = ours()
            pairs.append((mine, theirs()))
        else:
            other = theirs()
            pairs.append((ours(), other))
    return {share: _apart(what, share, pairs) for share in SHARES}


def _apart(what: str, share: str, pairs: Sequence[tuple[Percentiles, Percentiles]]) -> Row:
    """Return how far the medians over all rounds are apart, in percent."""
    mine, other = (
        statistics.median(one[share] for one in side) for side in zip(*pairs, strict=True)
    )
    say(f"  {what}, {share}: harness {mine * 1e3:.3f} ms, h2load {other * 1e3:.3f} ms")
    return Row(f"apart: {what}, {share}", [abs(mine / other - 1) * 100], APART_BAR * 100, "%")


def measured(folder: Path, rounds: int, seconds: int) -> list[Row]:
    """Measure all of it."""
    rows = speed(folder, rounds, seconds)
    if shutil.which("h2load") is None:
        say("h2load is not installed (Debian: nghttp2-client): no comparison")
        return rows
    with server(TARGET_CORE, *WAITING) as waiting:
        rows += agreement("drawn waits", waiting, folder, 32, rounds, seconds).values()
    with (
        server(LOAD_CORE, "tests.load.bench.echo") as model,
        gateway(folder, model.address) as front,
    ):
        rows += agreement("the gateway", front, folder, 8, rounds, seconds).values()
    return rows


def main() -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measured(Path(name), given.rounds, given.seconds)
    head = ("least", "median", "most", "bar")
    say(f"{'':<44}" + "".join(f"{word:>11}" for word in head))
    for row in rows:
        say(str(row))
    BUILD.mkdir(parents=True, exist_ok=True)
    found = [{"what": row.what, "rounds": list(row.rounds), "bar": row.bar} for row in rows]
    (BUILD / "loadtest.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
