"""Callers who leave, at every stage, and deadlines: what runs for them ends with them."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any, TypeAlias

from ensemble.v1.gateway_service_pb2 import (
    STRATEGY_BEST_OF_N,
    GenerateResponse,
    GenerateStreamResponse,
)
from ensemble.v1.hole_pb2 import Constraint, RegexPattern
from grpc import aio

from tests.conformance.calls import Ask, Fate
from tests.conformance.rig import FALLBACK, Rig, Scenario, asks, both, endpoint, told
from tests.conformance.rows import CANCEL_BAR_MS, Row, calls_by_name
from tests.conformance.servers.book import Call
from tests.conformance.servers.rules import Act, Rule

LEFT = "LiteLLM #13774, #37140 (20-30 min of orphaned work); Bifrost PR #7199 (polls each 500 ms)"
ABORT = "SGLang PR #31685, slime #2340: no abort, the timed-out request decodes on"
LATE = "openai-python #3828 (91.6 s for 30 s), LiteLLM #7303"
CALLS = 50
EXPLAINED_BAR = 0.9
"""Not more, because the timers of ten callers at once race with the gateway's answers to them."""
Running: TypeAlias = (
    "aio.UnaryStreamCall[Any, GenerateStreamResponse] | aio.UnaryUnaryCall[Any, GenerateResponse]"
)
SILENT = Rule(Act.HANG)
BREAKERLESS = "[breaker]\nminimum_calls = 1000\nwindow_size = 1000\n"


async def leave_all(rig: Rig, row: Row, wanted: list[Ask], per_call: int = 1) -> None:
    """Start calls, wait until the model servers have them, leave one by one."""
    before = len(await rig.models.report())
    calls = [(rig.grpc.start_stream if a.streamed else rig.grpc.start_whole)(a) for a in wanted]
    reading = [asyncio.ensure_future(_until_the_end(call)) for call in calls]
    await rig.models.started(before + per_call * len(wanted))
    await asyncio.sleep(0.1)
    left: dict[str, float] = {}
    for ask, call in zip(wanted, calls, strict=True):
        left[ask.text.name] = time.monotonic()
        call.cancel()
        await asyncio.sleep(0.002)
    await asyncio.gather(*reading)
    seen = (await rig.models.settled())[before:]
    row.sent += len(wanted)
    _measure(row, left, seen)


async def _until_the_end(call: Running) -> None:
    """Read a call until it ends, however that is: a stream that nobody reads is not cancelled."""
    try:
        if isinstance(call, aio.UnaryStreamCall):
            async for _ in call:
                pass
        else:
            await call
    except (asyncio.CancelledError, aio.AioRpcError):
        return


def _measure(row: Row, left: dict[str, float], seen: list[Call]) -> None:
    """Note how long each call ran on after its caller had left."""
    going = [call for call in seen if call.how in {"open", "finished"}]
    if going:
        row.miss(f"{len(going)} of {len(seen)} calls were not ended when their callers left")
    row.cancel_ms += [1000 * (call.ended - left[call.name]) for call in seen if call.how == "left"]


async def before_text(rig: Rig, row: Row) -> None:
    """While the endpoint is silent."""
    await told(rig, SILENT)
    await leave_all(rig, row, both("silent", CALLS // 2))


async def mid_stream(rig: Rig, row: Row) -> None:
    """In the middle of the text: the endpoint writes on, or has fallen silent."""
    await told(rig, Rule(gap_s=0.05))
    await leave_all(rig, row, asks("dripping", CALLS, streamed=True, lines=200, deadline_s=30))
    await told(rig, Rule(Act.HANG, after=3))
    await leave_all(rig, row, asks("stalled", CALLS, streamed=True))


async def best_of_n(rig: Rig, row: Row) -> None:
    """While several candidates are written."""
    for door in ("primary", "fallback"):
        await told(rig, SILENT, door=door)
    wanted = asks("best", CALLS // 2, strategy=STRATEGY_BEST_OF_N, n=4)
    await leave_all(rig, row, wanted, per_call=4)


async def while_checked(rig: Rig, row: Row) -> None:
    """Around the moment in which an answer is checked, found wanting and the next one asked."""
    await told(rig, Rule(delay_s=0.05))
    await told(rig, SILENT, door="fallback")
    never = Constraint(name="never", regex=RegexPattern(pattern="no such text"))
    wanted = asks("checked", CALLS, constraints=[never], lines=400, width=200)
    left: dict[str, float] = {}

    async def one(number: int, ask: Ask) -> None:
        call = rig.grpc.start_whole(ask)
        reading = asyncio.ensure_future(_until_the_end(call))
        await asyncio.sleep(0.05 + 0.001 * (number % 25))
        left[ask.text.name] = time.monotonic()
        call.cancel()
        await reading

    for chunk in range(0, CALLS, 5):
        await asyncio.gather(*(one(n, wanted[n]) for n in range(chunk, chunk + 5)))
    calls = await rig.models.settled()
    row.sent += CALLS
    reached = [call for call in calls if call.door == "fallback"]
    row.note(f"{len(reached)} of {CALLS} were left after the check, the others before it")
    _measure(row, left, [call for call in calls if call.how != "finished"])
    late = sum(1000 * (call.started - left[call.name]) > CANCEL_BAR_MS for call in calls)
    row.expect(true=late == 0, words=f"{late} calls were started for callers who had left")


async def while_waiting_to_retry(rig: Rig, row: Row) -> None:
    """Between two tries: the next one is never made."""
    for door in ("primary", "fallback"):
        await told(rig, Rule.failing("UNAVAILABLE"), door=door)
    wanted = asks("waiting", CALLS)
    calls = [rig.grpc.start_whole(ask) for ask in wanted]
    reading = [asyncio.ensure_future(_until_the_end(call)) for call in calls]
    await rig.models.started(CALLS)
    await asyncio.sleep(0.5)
    for call in calls:
        call.cancel()
    left = time.monotonic()
    await asyncio.gather(*reading)
    await asyncio.sleep(2.5)
    row.sent += CALLS
    seen = await rig.models.report()
    late = sum(1000 * (call.started - left) > CANCEL_BAR_MS for call in seen)
    row.expect(true=late == 0, words=f"{late} tries were made for callers who had left")


async def while_queued(rig: Rig, row: Row) -> None:
    """While waiting for a turn: the place in the queue is given up, no endpoint is ever asked."""
    await told(rig, Rule(Act.HOLD))
    running = [rig.grpc.start_whole(ask) for ask in asks("running", 4)]
    working = [asyncio.ensure_future(call) for call in running]
    await rig.models.started(4)
    waiting = [rig.grpc.start_whole(ask) for ask in asks("queued", CALLS)]
    reading = [asyncio.ensure_future(_until_the_end(call)) for call in waiting]
    await asyncio.sleep(0.5)
    queued = (await rig.metrics()).ensemble.queued
    row.expect(true=queued == CALLS, words=f"{queued} of {CALLS} were queued")
    left = time.monotonic()
    for call in waiting:
        call.cancel()
    await asyncio.gather(*reading)
    while time.monotonic() - left < 1:
        if not (await rig.metrics()).ensemble.queued:
            break
    row.cancel_ms.append(1000 * (time.monotonic() - left))
    await rig.models.order("release")
    await asyncio.gather(*working)
    row.sent += CALLS
    asked = len(await rig.models.settled()) - len(running)
    row.expect(true=asked == 0, words=f"{asked} endpoints were asked for callers who had left")


async def deadlines(rig: Rig, row: Row) -> None:
    """Every endpoint hangs; callers have 0.3 s."""
    for door in ("primary", "fallback"):
        await told(rig, SILENT, door=door)
    gots = await rig.ask(both("late", 100, deadline_s=0.3), 10)
    row.take(gots, must=Fate.ERROR)
    wrong = {got.code for got in gots} - {"DEADLINE_EXCEEDED"}
    row.expect(true=not wrong, words=f"a caller was told {sorted(wrong)}")
    explained = sum(got.explained for got in gots) / len(gots)
    row.note(f"{explained:.1%} of the errors came from the gateway and list the attempts")
    row.expect(true=explained >= EXPLAINED_BAR, words=f"only {explained:.1%} list the attempts")
    due = {got.name: got.sent + got.ask.deadline_s for got in gots}
    calls = await rig.models.settled()
    _measure(row, due, calls)
    row.note("`cancel` is how long a model server worked on after its caller's deadline")


async def hopeless(rig: Rig, row: Row) -> None:
    """A primary that hangs, and time for one more attempt: the fallback is reached in time."""
    await told(rig, SILENT)
    gots = await rig.ask(both("split", 20, deadline_s=1.0), 10)
    row.take(gots)
    calls = calls_by_name(await rig.models.settled())
    row.failover_ms += [
        1000 * (later.started - earlier.started)
        for tries in calls.values()
        for earlier, later in pairwise(tries)
    ]


BOTH = endpoint() + FALLBACK

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("leave-before-text", LEFT, "50 callers leave while an endpoint is silent", BOTH,
             before_text),
    Scenario("leave-mid-stream", LEFT, "100 callers leave in the middle of the text", BOTH,
             mid_stream),
    Scenario("leave-best-of-n", ABORT, "25 callers leave while 4 candidates each are written",
             BOTH, best_of_n),
    Scenario("leave-while-checked", ABORT, "50 callers leave about when an answer is checked",
             BOTH, while_checked),
    Scenario("leave-before-retry", ABORT, "50 callers leave between two tries",
             BREAKERLESS + "[retry]\nbase_s = 2.0\n" + endpoint() , while_waiting_to_retry),
    Scenario("leave-queued", LEFT, "50 callers leave while they wait for their turn",
             "[admission]\nmax_running = 4\nmax_queued = 100\n" + BOTH, while_queued),
    Scenario("deadline", LATE, "200 callers with 0.3 s, every endpoint hangs",
             BREAKERLESS + BOTH, deadlines),
    Scenario("deadline-split", LATE, "40 callers with 1 s, the primary hangs",
             BREAKERLESS + BOTH, hopeless),
)  # fmt: skip
