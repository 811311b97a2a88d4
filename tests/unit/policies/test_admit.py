from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Category, Fault, Kind, Origin, Reason
from gateway.core.hole import Priority
from gateway.core.tracing import TraceRecorder
from gateway.policies.admit import admit
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.state.admission import Admission
from gateway.state.queue import AdmissionSettings, Shed
from tests.fakes.values import make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

DECISION = RoutingDecision(
    "alpha", (), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
ANSWER = Answer(Candidate(0, "alpha", Completion("x")), DECISION, (), (), 0.0)


class House:
    """A door, and behind it work that takes a second of the clock."""

    def __init__(self, **settings) -> None:
        settings.setdefault("max_running", 1)
        self.clock = VirtualClock()
        self.door = Admission(AdmissionSettings(**settings), self.clock)
        self.most = self.running = 0
        self.served: list[str] = []

    async def work(self, exchange: Exchange) -> Answer:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(1)
        finally:
            self.running -= 1
        self.served.append(exchange.request.tenant)
        return ANSWER

    def exchange(self, tenant: str = "", *, seconds: float = 3600.0, **fields) -> Exchange:
        request = make_request(tenant=tenant, **fields)
        return Exchange(request, Deadline(self.clock.now + seconds))

    def ask(self, handle: Handle, tenant: str = "", **fields) -> asyncio.Task[Answer]:
        async def asked() -> Answer:
            return await handle(self.exchange(tenant, **fields))

        return asyncio.ensure_future(asked())

    def run(self, main: Callable[[Handle], Awaitable[None]], handle: Handle | None = None) -> None:
        async def runs() -> None:
            await main(admit(self.door)(handle or self.work))

        run_virtual(self.clock, runs())
        read = self.door.read()
        assert (read.running, read.queued) == (0, 0)


def test_a_request_that_finds_a_slot_is_worked_on_at_once() -> None:
    house = House()

    async def main(handle: Handle) -> None:
        assert await handle(house.exchange()) is ANSWER

    house.run(main)
    assert house.door.read().admitted == 1


def test_a_trace_says_whether_a_request_had_to_wait_for_its_turn() -> None:
    """V-02: the stage is there for each, and its time is that of the wait."""
    house = House()

    async def main(handle: Handle) -> None:
        exchanges = [house.exchange() for _ in range(2)]
        for number, exchange in enumerate(exchanges):
            exchange.trace = TraceRecorder(f"{number:032x}", house.clock)
        await asyncio.gather(*(handle(exchange) for exchange in exchanges))
        stages = [one.trace.close(house.clock())[0][0] for one in exchanges if one.trace]
        assert [(one.name, one.told("queued"), one.elapsed_s) for one in stages] == [
            ("admit", None, 0.0),
            ("admit", True, 1.0),
        ]

    house.run(main)


def test_no_more_than_allowed_are_worked_on_and_all_are_answered() -> None:
    house = House(max_running=3)

    async def main(handle: Handle) -> None:
        answers = await asyncio.gather(*(house.ask(handle) for _ in range(20)))
        assert answers == [ANSWER] * 20

    house.run(main)
    assert house.most == 3


def test_tenants_that_wait_take_turns() -> None:
    house = House()

    async def main(handle: Handle) -> None:
        await asyncio.gather(
            *(house.ask(handle, "heavy") for _ in range(4)),
            *(house.ask(handle, "light") for _ in range(2)),
        )

    house.run(main)
    assert house.served == ["heavy", "heavy", "light", "heavy", "light", "heavy"]


def test_interactive_work_overtakes_batch_work() -> None:
    house = House()

    async def main(handle: Handle) -> None:
        tasks = [house.ask(handle, "batch", priority=Priority.BATCH) for _ in range(3)]
        await asyncio.sleep(0.5)
        tasks.append(house.ask(handle, "editor", priority=Priority.INTERACTIVE))
        await asyncio.gather(*tasks)

    house.run(main)
    assert house.served[:2] == ["batch", "editor"]


def test_a_full_queue_sheds_load_and_says_when_to_come_again() -> None:
    house = House(max_queued=1)

    async def main(handle: Handle) -> None:
        tasks = [house.ask(handle) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Fault) as caught:
            await handle(house.exchange())
        await asyncio.gather(*tasks)
        fault = caught.value
        assert (fault.kind, fault.origin) == (Kind.EXHAUSTED, Origin.US)
        assert fault.reason is Reason.GATEWAY_OVERLOADED
        assert fault.category is Category.OVERLOAD
        assert fault.retry_after_s is not None
        assert 0.1 <= fault.retry_after_s <= 30
        assert not fault.retryable

    house.run(main)
    assert house.door.read().shed[Shed.QUEUE_FULL] == 1


def test_a_displaced_request_is_shed_and_never_runs() -> None:
    house = House(max_queued=1)

    async def main(handle: Handle) -> None:
        first = house.ask(handle, "first")
        low = house.ask(handle, "low", priority=Priority.BATCH)
        await asyncio.sleep(0)
        high = house.ask(handle, "high", priority=Priority.INTERACTIVE)
        with pytest.raises(Fault, match="higher class"):
            await low
        await asyncio.gather(first, high)

    house.run(main)
    assert house.served == ["first", "high"]


def test_a_request_that_would_waste_its_deadline_waiting_is_refused_at_once() -> None:
    house = House()

    async def main(handle: Handle) -> None:
        tasks = [house.ask(handle) for _ in range(8)]
        await asyncio.sleep(3.5)
        now = house.clock.now
        with pytest.raises(Fault, match="too late"):
            await handle(house.exchange(seconds=2.0))
        assert house.clock.now == now
        await asyncio.gather(*tasks)

    house.run(main)


def test_a_caller_that_leaves_while_queued_frees_its_place_and_never_runs() -> None:
    house = House(max_queued=1)

    async def main(handle: Handle) -> None:
        first = house.ask(handle, "first")
        gone = house.ask(handle, "gone")
        await asyncio.sleep(0.5)
        gone.cancel()
        await asyncio.wait([gone])
        await asyncio.gather(first, house.ask(handle, "next"))

    house.run(main)
    assert house.served == ["first", "next"]
    assert house.door.read().left == 1


@pytest.mark.parametrize("turns", range(6))
def test_a_caller_that_leaves_in_any_turn_around_its_grant_loses_no_slot(turns) -> None:
    house = House()

    async def main(handle: Handle) -> None:
        first = house.ask(handle)
        await asyncio.sleep(0)
        gone, stays = house.ask(handle, "gone"), house.ask(handle, "stays")
        await asyncio.sleep(0.5)
        first.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([first, gone, stays], timeout=10)
        assert stays.result() is ANSWER

    house.run(main)
    assert house.served == ["stays"]
    assert house.most == 1


async def _fault(_: Exchange) -> Answer:
    raise unavailable()


async def _bug(_: Exchange) -> Answer:
    raise RuntimeError


async def _cancelled(_: Exchange) -> Answer:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("ending", "error"),
    [(_fault, Fault), (_bug, RuntimeError), (_cancelled, asyncio.CancelledError)],
)
def test_however_a_request_ends_its_slot_is_free_again(ending, error) -> None:
    house = House()

    async def main(handle: Handle) -> None:
        for _ in range(3):
            with pytest.raises(error):
                await handle(house.exchange())

    house.run(main, ending)


def test_a_deadline_outside_ends_the_wait_and_the_place_is_free() -> None:
    """The pair deadline + admit: the wait is inside the request's one deadline."""
    house = House()

    async def main(handle: Handle) -> None:
        first = house.ask(handle)
        await asyncio.sleep(0)
        guarded = deadline(DeadlineSettings(), house.clock)(handle)
        start = house.clock.now
        with pytest.raises(Fault) as caught:
            await guarded(house.exchange(seconds=0.5))
        assert caught.value.kind is Kind.DEADLINE
        assert house.clock.now == pytest.approx(start + 0.492)
        assert house.door.read().queued == 0
        await first

    house.run(main)


def storm(share: float) -> Counter[str]:
    """Ten times the load the gateway can bear for 40 s, each request with 5 s to its deadline."""
    house = House(max_running=2, max_queued=50, wait_share=share)
    told: Counter[str] = Counter()

    async def main(handle: Handle) -> None:
        guarded = deadline(DeadlineSettings(), house.clock)(handle)

        async def one(number: int) -> None:
            await asyncio.sleep(number * 0.05)
            try:
                await guarded(house.exchange(seconds=5.0))
            except Fault as fault:
                told[fault.reason] += 1
            else:
                told["answered"] += 1

        await asyncio.gather(*(one(number) for number in range(800)))

    house.run(main)
    assert house.most == 2
    assert sum(told.values()) == 800
    return told


def test_a_storm_is_shed_early_and_what_is_admitted_is_answered_in_time() -> None:
    """Fault path: only those that were queued before the pace was known run out of time."""
    told = storm(0.5)
    assert told["answered"] >= 80
    assert told[Reason.DEADLINE_EXCEEDED] <= 20


def test_waiting_for_the_whole_deadline_wastes_what_is_admitted() -> None:
    """Why a request may wait for a part of its time only."""
    whole, half = storm(1.0), storm(0.5)
    assert whole["answered"] < 0.8 * half["answered"]
    assert whole[Reason.DEADLINE_EXCEEDED] > 5 * half[Reason.DEADLINE_EXCEEDED]
