"""Endpoints that cannot be reached, or only now and then."""

from __future__ import annotations

import asyncio
import time

from tests.conformance.calls import Fate, Got
from tests.conformance.processes import kill, models
from tests.conformance.rig import FALLBACK, Rig, Scenario, asks, both, endpoint, told
from tests.conformance.rows import Row
from tests.conformance.scenarios.plain import BREAKER, Bars, after_opening, first
from tests.conformance.servers.rules import Rule

DEAD = "NeMo-RL PR #3613 (3.08 s and 10 attempts to survive), LiteLLM PR #40025"
STALL = "[timeouts]\nfirst_text_s = 0.3\nbetween_texts_s = 0.3\n"
QUICK = "[breaker]\nminimum_calls = 5\nwindow_size = 10\nopen_s = 0.5\n"
STALLED = Bars(failover_ms=500.0)
RECOVERY_S = 5.0
GAP_S = 0.02


def dead(name: str, door: str, kind: str, purpose: str) -> Scenario:
    """Make a scenario whose primary is an address that nobody answers at."""

    async def run(rig: Rig, row: Row) -> None:
        await first(rig, row, both(name, 20), 10)
        state = await rig.breaker("primary")
        if state == "OPEN":
            await after_opening(rig, row, both(f"{name}-open", 50), 10)
            return
        # A connection known to be down is as good as an open breaker.
        gots = await rig.ask(both(f"{name}-later", 50), 10)
        row.take(gots)
        row.passed_over(gots, await rig.models.settled())
        row.at_most("attempts wasted by one request", max(got.wasted for got in gots), 1, "")

    config = BREAKER + endpoint("primary", kind, door=door) + FALLBACK
    return Scenario(f"{name}.{kind}", DEAD, purpose, config, run)


async def half_open_new(rig: Rig, row: Row) -> None:
    """Connections are taken and nothing is ever passed on."""
    await rig.way("stall")
    await first(rig, row, both("half-open-new", 20), 10, STALLED)
    await after_opening(rig, row, both("half-open-new-open", 30), 10)


async def half_open_established(rig: Rig, row: Row) -> None:
    """A connection that worked falls silent, in the middle of streams."""
    await told(rig, Rule(gap_s=GAP_S))
    row.take(await rig.ask(both("before", 5)))
    work = asyncio.create_task(rig.ask(both("during", 20, lines=20), 40))
    await rig.models.started(40)
    await asyncio.sleep(0.1)
    await rig.way("stall")
    gots = await work
    row.take(gots)
    row.failed_over(gots, await rig.models.settled(0.1))
    await after_opening(rig, row, both("after", 30), 10)


async def load_for(rig: Rig, seconds: float, prefix: str) -> list[Got]:
    """Ask without a pause for some seconds."""
    gots: list[Got] = []
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        gots += await rig.ask(both(f"{prefix}-{number}", 4), 8)
        number += 1
    return gots


async def flapping_connection(rig: Rig, row: Row) -> None:
    """Connections are reset each quarter of a second, and work in between."""
    await told(rig, Rule(gap_s=GAP_S))
    await rig.way("flap", every_s=0.25)
    gots = await load_for(rig, 4.0, "flapping")
    await rig.way("pass")
    row.take(gots)
    row.failed_over(gots, await rig.models.settled())
    await recovered(rig, row, "primary")


async def flapping_status(rig: Rig, row: Row) -> None:
    """Half a second of errors, half a second of health; the breaker must not stick."""
    work = asyncio.create_task(load_for(rig, 4.0, "flap"))
    for step in range(8):
        await told(rig, Rule() if step % 2 else FAILING)
        await asyncio.sleep(0.5)
    gots = await work
    row.take(gots)
    row.failed_over(gots, await rig.models.settled())
    await told(rig, Rule())
    await recovered(rig, row, "primary")


async def recovered(rig: Rig, row: Row, name: str) -> None:
    """Wait until an endpoint that is well again answers; it must within a few seconds."""
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < RECOVERY_S:
        (got,) = await rig.ask(asks(f"recovery-{number}", 1))
        row.take([got])
        if got.endpoint == name:
            row.note(f"{name} is used again after {time.monotonic() - started:.2f} s")
            return
        number += 1
        await asyncio.sleep(0.05)
    row.miss(f"{name} was not used again within {RECOVERY_S:g} s")


async def killed_server(rig: Rig, row: Row) -> None:
    """A model server dies by SIGKILL in the middle of calls, stays away and comes back."""
    victim = rig.victims["primary"]
    await victim.tell("primary", Rule(gap_s=GAP_S))
    work = asyncio.create_task(rig.ask(both("killed", 20, lines=20), 40))
    await victim.started(40)
    await asyncio.sleep(0.15)
    killed_at = time.monotonic()
    await kill(victim.process)
    gots = await work
    row.take(gots)
    for call in await rig.models.settled():
        row.failover_ms.append(1000 * (call.started - killed_at))
    row.note(f"{sum(bool(got.wasted) for got in gots)} of {len(gots)} in flight failed over")
    gots = await rig.ask(both("away", 30), 10)
    row.take(gots)
    row.passed_over(gots, await rig.models.settled())
    async with models(("primary",), victim.ports) as back:
        await back.tell("primary", Rule())
        await recovered(rig, row, "primary")


async def all_down(rig: Rig, row: Row) -> None:
    """Nothing answers: each caller is told so at once, with a time to wait."""
    await told(rig, FAILING)
    await told(rig, FAILING, door="fallback")
    gots = await rig.ask(both("down", 30, deadline_s=5.0), 10)
    row.take(gots, must=Fate.ERROR)
    slow = [got for got in gots if got.ended - got.sent > 2.0]
    row.expect(true=not slow, words=f"{len(slow)} callers were told after more than 2 s")
    wrong = {got.code for got in gots} - {"UNAVAILABLE"}
    row.expect(true=not wrong, words=f"a caller was told {sorted(wrong)}")
    silent = sum(not got.explained for got in gots)
    row.expect(true=silent == 0, words=f"{silent} errors do not list their attempts")


FAILING = Rule.failing("UNAVAILABLE")
PROXIED = endpoint("primary", "way", timeout_s=2.0) + FALLBACK
SHORT = endpoint("primary", "way", timeout_s=0.3) + FALLBACK

SCENARIOS: tuple[Scenario, ...] = (
    dead("connection-refused", "nobody", "grpc", "nobody listens at the address"),
    dead("connection-refused", "nobody", "openai", "nobody listens at the address"),
    dead("dns-gone", "nowhere", "grpc", "the name does not resolve"),
    dead("dns-gone", "nowhere", "openai", "the name does not resolve"),
    Scenario(
        "half-open-new", DEAD, "TCP connects, nothing is passed on", BREAKER + STALL + SHORT,
        half_open_new,
    ),
    Scenario(
        "half-open-established", DEAD, "a connection in use falls silent, without FIN or RST",
        BREAKER + STALL + PROXIED, half_open_established,
    ),
    Scenario(
        "flapping-connection", DEAD, "connections are reset each 0.25 s", QUICK + PROXIED,
        flapping_connection,
    ),
    Scenario(
        "flapping-status", "LiteLLM #40130, #31876", "0.5 s of errors, 0.5 s of health, in turn",
        QUICK + endpoint() + FALLBACK, flapping_status,
    ),
    Scenario(
        "kill-9-server", DEAD, "a model server dies by SIGKILL under 40 calls, and comes back",
        QUICK + endpoint() + FALLBACK, killed_server, doors=("fallback",), victims=("primary",),
    ),
    Scenario(
        "all-down", "LiteLLM docs: No deployments available", "every endpoint answers UNAVAILABLE",
        BREAKER + endpoint() + FALLBACK, all_down,
    ),
)  # fmt: skip
