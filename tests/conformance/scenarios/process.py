"""What happens to the gateway's own process: SIGKILL under load, and a clock that jumps."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field

from tests.conformance.calls import OK, Ask, Fate, Got
from tests.conformance.processes import ROOT
from tests.conformance.rig import FALLBACK, Rig, Scenario, both, endpoint, told
from tests.conformance.rows import Row
from tests.conformance.scenarios.leaving import SILENT
from tests.conformance.scenarios.reachability import FAILING, QUICK, recovered
from tests.conformance.servers.rules import Rule

RESTART = "LiteLLM #12685 and #27954 are answered by restarts; none says what becomes of calls"
CLOCK = "LiteLLM PR #40025: cooldowns by the time of day"
CLOCKS = ROOT / "tests" / "conformance" / "jumping_clock"
WORKERS = 8
LOAD_S = 6.0
PATIENCE_S = 20.0
ORPHAN_BAR_MS = 1000.0


@dataclass(slots=True)
class Told:
    """What callers heard: the end of each request, and the tries that ended in an error."""

    ends: list[Got] = field(default_factory=list[Got])
    broken: list[Got] = field(default_factory=list[Got])


async def until_answered(rig: Rig, ask: Ask, heard: Told) -> None:
    """Ask again with the same id while the answer is UNAVAILABLE, as the SDK does."""
    until = time.monotonic() + PATIENCE_S
    while True:
        got = await rig.caller.ask(ask)
        if got.code != "UNAVAILABLE" or time.monotonic() > until:
            heard.ends.append(got)
            return
        heard.broken.append(got)
        await asyncio.sleep(0.05)


async def killed_gateway(rig: Rig, row: Row) -> None:
    """SIGKILL in the middle of calls, and a new process on the same port."""
    await told(rig, Rule(gap_s=0.02))
    heard = Told()
    until = time.monotonic() + LOAD_S

    async def worker(number: int) -> None:
        turn = 0
        while time.monotonic() < until:
            for ask in both(f"restart-{number}-{turn}", 1):
                await until_answered(rig, ask, heard)
            turn += 1

    work = asyncio.gather(*(worker(number) for number in range(WORKERS)))
    await asyncio.sleep(1.5)
    await rig.own.kill()
    killed_at = time.monotonic()
    await asyncio.sleep(0.5)
    await rig.own.start()
    back_s = time.monotonic() - killed_at
    await work
    row.take(heard.ends)
    quiet = [got for got in heard.broken if got.fate is not Fate.ERROR]
    row.expect(true=not quiet, words=f"{len(quiet)} broken tries were not told so")
    names = [got.name for got in heard.ends]
    row.expect(true=len(set(names)) == len(names), words="a request was answered twice")
    first = min(got.ended for got in heard.ends if got.ended > killed_at and got.code == OK)
    row.note(
        f"{len(heard.broken)} tries were broken by SIGKILL; a new process listened after "
        f"{back_s:.2f} s, the first answer came after {first - killed_at:.2f} s"
    )
    orphans = [
        1000 * (call.ended - killed_at)
        for call in await rig.models.settled()
        if call.how == "left" and call.started < killed_at
    ]
    row.at_most("calls of the dead gateway ran on", max(orphans, default=0.0), ORPHAN_BAR_MS)


async def jumping_clock(rig: Rig, row: Row) -> None:
    """Everything that measures time, while the time of day steps by an hour each 0.1 s."""
    there = (rig.folder / "clock-jumps").exists()
    row.expect(true=there, words="the clock of the gateway did not jump")
    row.note("time.time and time_ns of its Python code step by +-1 h each 0.1 s; gRPC's do not")
    await told(rig, Rule(gap_s=0.05))
    row.take(await rig.ask(both("drip", 20, deadline_s=3.0), 20))
    await told(rig, FAILING)
    row.take(await rig.ask(both("failing", 20, deadline_s=3.0), 10))
    await told(rig, Rule())
    await recovered(rig, row, "primary")
    await told(rig, SILENT)
    await told(rig, SILENT, door="fallback")
    row.take(await rig.ask(both("late", 20, deadline_s=0.5), 20), must=Fate.ERROR)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("kill-9-gateway", RESTART, "SIGKILL under load; a new process takes over its port",
             endpoint() + FALLBACK, killed_gateway),
    Scenario("clock-jump", CLOCK, "the time of day steps by an hour each 0.1 s",
             QUICK + "[timeouts]\nbetween_texts_s = 1.0\n" + endpoint() + FALLBACK, jumping_clock,
             env={"PYTHONPATH": os.pathsep.join(
                 filter(None, (str(CLOCKS), os.environ.get("PYTHONPATH", "")))
             )}),
)  # fmt: skip
