"""Many streams, slow readers, too many callers, the same request many times, budgets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

from ensemble.v1.gateway_service_pb2 import BatchGenerateRequest
from ensemble.v1.hole_pb2 import Sampling
from grpc import aio

from tests.conformance.callers import GrpcCaller, all_of, answered, message_of, read_stream, refused
from tests.conformance.calls import OK, Ask, Fate, Got
from tests.conformance.rig import FALLBACK, Rig, Scenario, asks, both, endpoint, told
from tests.conformance.rows import Row, quantile
from tests.conformance.servers.book import Call
from tests.conformance.servers.rules import Act, Rule
from tests.conformance.texts import Text

KIB, MIB = 1024, 1024 * 1024
STREAMS = 10_000
CHANNELS = 8
STREAM_BAR_KIB = 60.0
LEAK = "LiteLLM #12685, #27954, #38193: memory grows until the process is killed"
QUEUE = "LiteLLM #21046, #13546: collapse under 500 concurrent callers"
BUDGET = "LiteLLM #34732, #26672, #40095; vLLM-SR #1456, #2861: check, then spend"
TWICE = "SGLang PR #31685: the retry runs beside the first one"
BATCH = 64
BUFFERS_MIB = 16
SLOW_READERS, SLOW_LINES = 8, 150
BUDGETED = 200
ALLOWED = 50


async def open_streams(rig: Rig, row: Row) -> None:
    """Ten thousand streams stand open after their first line; then all of them end."""
    await told(rig, Rule(Act.HOLD, after=1))
    await rig.models.order("release")
    row.take(await rig.ask(both("warm-up", 8), 16))
    await rig.models.order("hold")
    before = rig.own.resident_bytes()
    callers = [GrpcCaller(rig.own.address) for _ in range(CHANNELS)]
    turn = asyncio.Semaphore(64)
    opened = asyncio.Event()
    waiting = STREAMS

    async def one(number: int) -> Got:
        nonlocal waiting
        ask = Ask(
            Text(f"open-{number}", 2), streamed=True, deadline_s=55.0, more={"request_id": ""}
        )
        got = Got(ask, time.monotonic())
        async with turn:
            call = callers[number % CHANNELS].start_stream(ask)
            await call.initial_metadata()
        waiting -= 1
        if not waiting:
            opened.set()
        try:
            await read_stream(got, call)
        except aio.AioRpcError as error:
            refused(got, error)
        got.ended = time.monotonic()
        return got

    started = time.monotonic()
    work = asyncio.gather(*(one(number) for number in range(STREAMS)))
    await rig.models.started(STREAMS + 16, within_s=45)
    await opened.wait()
    row.note(f"opened in {time.monotonic() - started:.1f} s")
    each = (rig.own.resident_bytes() - before) / STREAMS / KIB
    row.note(f"{each:.1f} KiB of the gateway's memory for each stream")
    row.at_most("memory of one stream", each, STREAM_BAR_KIB, "KiB")
    released = time.monotonic()
    await rig.models.order("release")
    row.take(await work)
    row.note(f"all ended {time.monotonic() - released:.1f} s after they could")
    for caller in callers:
        await caller.close()


async def slow_reader(rig: Rig, row: Row) -> None:
    """A line of 16 KiB each 50 ms, and once a pause that is longer than an endpoint may stall."""
    row.take(await rig.ask(both("warm-up", 8)))
    await _read_slowly(rig, row, "without a request id", {"request_id": ""})
    await _read_slowly(rig, row, "with a request id", {})


async def _read_slowly(rig: Rig, row: Row, how: str, more: dict[str, object]) -> None:
    wanted = [
        Ask(Text(f"slow-{how[:5].strip()}-{number}", SLOW_LINES, 16 * KIB), streamed=True,
            deadline_s=30.0, read_gap_s=0.05, pause_s=1.5, more=more)
        for number in range(SLOW_READERS)
    ]  # fmt: skip
    before = most = rig.own.resident_bytes()
    reader = GrpcCaller(rig.own.address, slow=True)
    work = asyncio.create_task(all_of(reader, wanted, len(wanted)))
    while not work.done():
        most = max(most, rig.own.resident_bytes())
        await asyncio.sleep(0.05)
    gots = await work
    await reader.close()
    row.take(gots)
    grown, sent = (most - before) / MIB, SLOW_READERS * SLOW_LINES * 16 * KIB / MIB
    calls = {call.name: call for call in await rig.models.settled()}
    ahead = max(got.ended - calls[got.name].ended for got in gots)
    row.note(
        f"{how} the gateway grew by {grown:.1f} MiB while it passed {sent:.1f} MiB on, and an "
        f"endpoint was {ahead:.1f} s ahead of its reader at the end"
    )
    # The text is kept twice, in pieces and whole; the rest is what the connections buffer.
    row.at_most("growth", grown, 3 * sent + BUFFERS_MIB, "MiB")
    stalled = sum(got.wasted for got in gots)
    row.expect(true=stalled == 0, words=f"{stalled} faults for what the reader was too slow for")


async def overload(rig: Rig, row: Row) -> None:
    """A hundred at once where 8 may run and 16 may wait: nobody waits in vain."""
    await told(rig, Rule(delay_s=0.1))
    gots = await rig.ask(asks("crowd", 100, deadline_s=10.0), 100)
    row.take(gots, must=None)
    refused_ones = [got for got in gots if got.code != OK]
    served = len(gots) - len(refused_ones)
    row.expect(true=served >= 24, words=f"only {served} of the 24 with a place were served")
    wrong = Counter((got.code, got.reason) for got in refused_ones)
    row.expect(
        true=set(wrong) == {("RESOURCE_EXHAUSTED", "GATEWAY_OVERLOADED")},
        words=f"the others were told {dict(wrong)}",
    )
    took = [1000 * (got.ended - got.sent) for got in refused_ones]
    row.at_most("time to be refused p99", quantile(took, 0.99), 500)
    untold = sum(not got.retry_after_s for got in refused_ones)
    row.expect(true=untold == 0, words=f"{untold} were not told how long to wait")
    most = at_once(await rig.models.settled())
    row.expect(true=most <= 8, words=f"{most} ran at once, 8 may")


def at_once(calls: list[Call]) -> int:
    """Return how many calls ran at the same time at most."""
    events = sorted([(c.started, 1) for c in calls] + [(c.ended, -1) for c in calls])
    most = now = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


async def repeated(rig: Rig, row: Row) -> None:
    """Fifty callers send the same request with the same id, then ten more."""
    await told(rig, Rule(delay_s=0.3))
    (ask,) = asks("same", 1, streamed=False)
    gots = await rig.ask([ask] * 50, 50)
    gots += await rig.ask([ask] * 10, 10)
    row.take(gots)
    calls = await rig.models.settled()
    row.expect(true=len(calls) == 1, words=f"{len(calls)} calls for one request")


async def batch(rig: Rig, row: Row) -> None:
    """A batch over an endpoint that fails every third call: each hole once, in order."""
    await told(
        rig, Rule(times=2), Rule(Act.STATUS, times=1, status="INTERNAL"), Rule(times=2),
        Rule(Act.STATUS, times=1), Rule(times=3), Rule(Act.MALFORMED, times=1), Rule(),
    )  # fmt: skip
    wanted = asks("batch", BATCH)

    async def requests() -> AsyncIterator[BatchGenerateRequest]:
        for index, ask in enumerate(wanted):
            yield BatchGenerateRequest(index=index, request=message_of(ask))

    gots = [Got(ask, time.monotonic()) for ask in wanted]
    order: list[int] = []
    async for result in rig.grpc.stub.BatchGenerate(requests(), timeout=20):
        got = gots[result.index]
        order.append(result.index)
        got.ended = time.monotonic()
        if result.HasField("response"):
            # A second answer for a hole would be seen as text that came twice.
            got.said += result.response.text
            answered(got, result.response)
        else:
            got.code = "UNAVAILABLE"
    row.take(gots)
    row.expect(true=order == list(range(BATCH)), words="answers came out of order, or not once")


async def budget_of_attempts(rig: Rig, row: Row) -> None:
    """200 callers at once on a budget of 50 calls."""
    await told(rig, Rule(delay_s=0.05))
    gots = await rig.ask(asks("spend", BUDGETED, tenant="one"), BUDGETED)
    row.take(gots, must=None)
    calls = await rig.models.settled()
    row.note(f"{len(calls)} calls were made on a budget of {ALLOWED}")
    row.at_most("calls", len(calls), ALLOWED, "")
    served = sum(got.code == OK for got in gots)
    row.expect(true=served == ALLOWED, words=f"{served} were served, {ALLOWED} could be")
    _budget_words(row, gots)
    row.take(await rig.ask(asks("other", 10, tenant="two")))


async def budget_of_cost(rig: Rig, row: Row) -> None:
    """200 callers at once on a budget of money; each call reserves its worst case first."""
    await told(rig, Rule(delay_s=0.05))
    spent = 0
    wanted = asks("pay", BUDGETED, tenant="one", sampling=Sampling(max_tokens=8))
    calls = [rig.grpc.start_whole(ask) for ask in wanted]
    gots = [Got(ask, time.monotonic()) for ask in wanted]
    for got, call in zip(gots, calls, strict=True):
        try:
            answer = await call
        except aio.AioRpcError as error:
            refused(got, error)
        else:
            got.said = answer.text
            answered(got, answer)
            spent += answer.cost_micros
        got.ended = time.monotonic()
    row.take(gots, must=None)
    row.note(f"{spent} micros were spent of {BUDGET_MICROS}")
    row.at_most("spent", spent, BUDGET_MICROS, "micros")
    row.expect(true=spent > 0, words="nothing could be bought")
    _budget_words(row, gots)


def _budget_words(row: Row, gots: list[Got]) -> None:
    told_others = {(got.code, got.reason) for got in gots if got.fate is Fate.ERROR}
    row.expect(
        true=told_others == {("RESOURCE_EXHAUSTED", "BUDGET_EXHAUSTED")},
        words=f"the others were told {sorted(told_others)}",
    )


STALLS = "[timeouts]\nfirst_text_s = 0.5\nbetween_texts_s = 0.5\n"
FEW_KEPT = "[idempotency]\nmax_bytes = 1024\n"
BUDGET_MICROS = 1_000_000
MANY = (
    "[server]\nmax_in_flight = 12000\n[admission]\nmax_running = 12000\n"
    "[timeouts]\nfirst_text_s = 0.0\nbetween_texts_s = 120.0\n"
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("open-streams", LEAK, f"{STREAMS:,} streams stand open at once",
             MANY + endpoint(max_concurrency=12_000), open_streams),
    Scenario("slow-reader", LEAK, "8 readers take a piece each 50 ms and pause once",
             STALLS + FEW_KEPT + endpoint() + FALLBACK, slow_reader),
    Scenario("overload", QUEUE, "100 callers where 8 may run and 16 may wait",
             "[admission]\nmax_running = 8\nmax_queued = 16\nmax_wait_s = 5.0\n" + endpoint(),
             overload),
    Scenario("same-request", TWICE, "60 callers with the same request id", endpoint(), repeated),
    Scenario("batch", "", "64 holes on one stream, some calls fail", endpoint() + FALLBACK, batch),
    Scenario("budget-attempts", BUDGET, "200 callers at once on 50 calls",
             f"[tenant_budget]\nmax_attempts = {ALLOWED}\n" + endpoint(), budget_of_attempts),
    Scenario("budget-cost", BUDGET, "200 callers at once on one budget of money",
             f"[tenant_budget]\nmax_cost_micros = {BUDGET_MICROS}\n"
             + endpoint(cost_per_1k_tokens=1.0), budget_of_cost),
)  # fmt: skip
