"""The book of named requests against a plain model of it, for any order of events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from sys import getsizeof

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from gateway.core.answer import Answer
from gateway.core.candidate import Candidate, Completion
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault
from gateway.state.replays import ENTRY_BYTES, Replays, ReplaySettings
from gateway.state.shared_work import Place
from tests.fakes.values import make_request, unavailable
from tests.fakes.virtual import VirtualClock

DECISION = RoutingDecision(
    "alpha", (), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
WINDOW_S, MAX_ENTRIES, MAX_BYTES = 10.0, 4, 3 * ENTRY_BYTES
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
BODIES = st.sampled_from([b"one", b"two"])


@dataclass
class Known:
    """What the model knows of one id."""

    body: bytes
    waiting: int = 0
    answer: Answer | None = None
    at: float = 0.0
    size: int = 0


@dataclass
class Caller:
    """Someone who was given a place, and the answer the model says is due, if any."""

    name: str
    place: Place
    due: list[Answer | Fault] = field(default_factory=list)


class ReplaysMachine(RuleBasedStateMachine):
    callers = Bundle("callers")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock()
        self.book = Replays(ReplaySettings(WINDOW_S, MAX_ENTRIES, MAX_BYTES), self.clock)
        self.running: dict[str, Known] = {}
        self.answered: dict[str, Known] = {}
        self.here: list[Caller] = []
        self.ends: dict[str, asyncio.Future[Answer]] = {}
        self.begun = self.begun_in_model = 0
        self.joined = self.replayed = 0

    def teardown(self) -> None:
        self.loop.run_until_complete(self.book.close())
        for caller in self.here:
            self.loop.run_until_complete(caller.place.leave())
        self.loop.close()

    @rule(target=callers, name=IDS, body=BODIES)
    def ask(self, name: str, body: bytes):
        place = self.loop.run_until_complete(self._join(name, body))
        known = self.running.get(name) or self.answered.get(name)
        if known is None:
            known = self.running[name] = Known(body)
            self.begun_in_model += 1
            self._trim()
        elif known.body != body:
            assert place is None
            return multiple()
        elif known.answer is None:
            self.joined += 1
        else:
            self.replayed += 1
        assert place is not None
        caller = Caller(name, place)
        if known.answer is not None:
            caller.due.append(known.answer)
        else:
            known.waiting += 1
        self.here.append(caller)
        return caller

    @precondition(lambda self: self.running)
    @rule(data=st.data(), text=st.sampled_from(["", "x" * 900, "x" * 3000, "x" * 9000]))
    def answer(self, data: st.DataObject, text: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        chosen = Candidate(0, "alpha", Completion(text))
        answer = Answer(chosen, DECISION, (), (chosen,), 0.0)
        self.ends[name].set_result(answer)
        self._turns()
        known = self.running.pop(name)
        known.answer, known.at = answer, self.clock.now
        known.size = ENTRY_BYTES + getsizeof(text)
        if known.size <= MAX_BYTES:
            self.answered[name] = known
        self._due(name, answer)
        self._trim()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        fault = unavailable()
        self.ends[name].set_exception(fault)
        self._turns()
        del self.running[name]
        self._due(name, fault)

    @rule(caller=consumes(callers))
    def leave(self, caller: Caller) -> None:
        self.here.remove(caller)
        if caller.due:
            (due,) = caller.due
            assert caller.place.result.done()
            if isinstance(due, Fault):
                assert caller.place.result.exception() is due
            else:
                assert self.loop.run_until_complete(caller.place.answer()) is due
        else:
            assert not caller.place.result.done()
        self.loop.run_until_complete(caller.place.leave())
        if not caller.due:
            known = self.running[caller.name]
            known.waiting -= 1
            if known.waiting == 0:
                del self.running[caller.name]
                assert self.ends[caller.name].cancelled()

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        for name in [n for n, k in self.answered.items() if k.at + WINDOW_S <= self.clock.now]:
            del self.answered[name]

    @rule()
    def close(self) -> None:
        self.loop.run_until_complete(self.book.close())
        for name in tuple(self.running):
            del self.running[name]
            for caller in self.here:
                if caller.name == name and not caller.due:
                    fault = caller.place.result.exception()
                    assert isinstance(fault, Fault)
                    caller.due.append(fault)

    @invariant()
    def agrees_with_the_model(self) -> None:
        book = self.book
        assert book.entries == len(self.running) + len(self.answered)
        assert set(book._answered) == {("", name) for name in self.answered}
        assert set(book._running) == {("", name) for name in self.running}
        assert book.bytes_kept == sum(known.size for known in self.answered.values())
        assert book.bytes_kept <= MAX_BYTES
        assert (book.joined, book.replayed) == (self.joined, self.replayed)
        assert self.begun == self.begun_in_model

    async def _join(self, name: str, body: bytes) -> Place | None:
        request = type(make_request())(make_request().hole, name)
        place = self.book.join(Exchange(request, Deadline(1e9), fingerprint=body), self._work)
        await self._some_turns()
        return place

    async def _work(self, exchange: Exchange) -> Answer:
        self.begun += 1
        end = self.ends[exchange.request.request_id] = self.loop.create_future()
        return await end

    def _due(self, name: str, outcome: Answer | Fault) -> None:
        for caller in self.here:
            if caller.name == name and not caller.due:
                caller.due.append(outcome)

    def _trim(self) -> None:
        while self.answered and (
            len(self.running) + len(self.answered) > MAX_ENTRIES
            or sum(known.size for known in self.answered.values()) > MAX_BYTES
        ):
            del self.answered[next(iter(self.answered))]

    def _turns(self) -> None:
        self.loop.run_until_complete(self._some_turns())

    async def _some_turns(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


TestReplays = ReplaysMachine.TestCase
TestReplays.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
