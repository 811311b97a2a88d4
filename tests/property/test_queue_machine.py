"""The admission queue against a plain list of who waits; laws for any order of events."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.hole import Priority
from gateway.state.lanes import Ticket
from gateway.state.queue import LEFT, QUEUED, RUNNING, SHED, AdmissionQueue, AdmissionSettings, Shed

RANK = {Priority.INTERACTIVE: 0, Priority.STANDARD: 1, Priority.BATCH: 2}
LONGEST_S = 30.0


class QueueMachine(RuleBasedStateMachine):
    """`waiting` holds the tickets that wait by arrival, `running` how many slots are taken."""

    @initialize(running=st.integers(1, 3), queued=st.integers(0, 6), of_tenant=st.integers(1, 6))
    def start(self, running: int, queued: int, of_tenant: int) -> None:
        self.now = 0.0
        self.settings = AdmissionSettings(running, queued, of_tenant, LONGEST_S)
        self.queue = AdmissionQueue(self.settings, lambda: self.now)
        self.running = 0
        self.waiting: list[Ticket] = []
        self.granted: list[Ticket] = []
        self.ended: Counter[Ticket] = Counter()
        self.offered = 0

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def enter(self) -> None:
        free = self.running < self.settings.max_running
        assert self.queue.enter() is free
        self.running += free
        self.offered += free

    @rule(
        tenant=st.sampled_from(["", "a", "b"]),
        priority=st.sampled_from(list(Priority)),
        left_s=st.sampled_from([0.5, 5.0, 3600.0]),
    )
    def offer(self, tenant: str, priority: Priority, left_s: float) -> None:
        was_full = self.running == self.settings.max_running
        before = len(self.waiting)
        of_tenant = sum(it.tenant == tenant for it in self.waiting)
        lowest = max((RANK[it.priority] for it in self.waiting), default=-1)
        ticket, displaced = self.queue.offer(tenant, priority, left_s)
        self.offered += 1
        assert (ticket.state == RUNNING) is (not was_full)
        if displaced is not None:
            assert before == self.settings.max_queued
            assert RANK[priority] < lowest
            newest = [it for it in self.waiting if RANK[it.priority] == lowest][-1]
            assert displaced is newest
            self.shed(displaced)
        if ticket.state == RUNNING:
            self.running += 1
        elif ticket.state == QUEUED:
            assert of_tenant < self.settings.max_queued_per_tenant
            assert before < self.settings.max_queued or displaced is not None
            self.waiting.append(ticket)
        else:
            self.waiting.append(ticket)
            self.shed(ticket)

    @precondition(lambda self: self.running > 0)
    @rule()
    def finish(self) -> None:
        if len(self.granted) == self.running:
            self.granted.pop(0)
        self.turn(self.queue.finish())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.waiting))
        assert self.queue.leave(ticket) is None
        self.waiting.remove(ticket)
        self.end(ticket, LEFT)

    @precondition(lambda self: self.granted)
    @rule()
    def leave_as_the_turn_comes(self) -> None:
        ticket = self.granted.pop()
        self.turn(self.queue.leave(ticket))
        self.end(ticket, LEFT)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def leave_after_it_was_shed(self, data: st.DataObject) -> None:
        over = [it for it in self.ended if it.state == SHED]
        if over:
            assert self.queue.leave(data.draw(st.sampled_from(over))) is None

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.waiting))
        assert self.queue.expire(ticket)
        self.shed(ticket)

    @precondition(lambda self: self.granted)
    @rule()
    def expire_too_late(self) -> None:
        assert not self.queue.expire(self.granted[-1])

    def turn(self, ticket: Ticket | None) -> None:
        """Hand a freed slot on: the queue may choose the tenant and class, never the order."""
        if ticket is None:
            assert not self.waiting
            self.running -= 1
            return
        kin = [
            it
            for it in self.waiting
            if (it.tenant, it.priority) == (ticket.tenant, ticket.priority)
        ]
        assert kin[0] is ticket
        assert ticket.state == RUNNING
        self.waiting.remove(ticket)
        self.granted.append(ticket)

    def shed(self, ticket: Ticket) -> None:
        self.waiting.remove(ticket)
        assert ticket.refusal is not None
        assert 0.1 <= ticket.refusal.retry_after_s <= 30.0
        self.end(ticket, SHED)

    def end(self, ticket: Ticket, state: str) -> None:
        assert ticket.state == state
        self.ended[ticket] += 1

    @invariant()
    def the_queue_agrees_with_the_list(self) -> None:
        if not hasattr(self, "queue"):
            return
        read = self.queue.read()
        assert (read.running, read.queued) == (self.running, len(self.waiting))
        assert len(self.granted) <= read.running <= self.settings.max_running
        assert read.queued <= self.settings.max_queued
        assert all(it.state == QUEUED for it in self.waiting)

    @invariant()
    def while_a_slot_is_free_nobody_waits(self) -> None:
        if hasattr(self, "queue") and self.queue.running < self.settings.max_running:
            assert self.queue.read().queued == 0

    @invariant()
    def every_ticket_ends_once_and_every_request_is_counted_once(self) -> None:
        if hasattr(self, "queue"):
            read = self.queue.read()
            assert set(self.ended.values()) <= {1}
            assert set(read.shed) == set(Shed)
            counted = read.admitted + read.left + sum(read.shed.values()) + read.queued
            assert counted == self.offered

    def teardown(self) -> None:
        """Whatever happened, the rest is served and nothing is left."""
        if hasattr(self, "queue"):
            while self.running:
                self.turn(self.queue.finish())
            assert not self.waiting
            assert self.queue.read().running == 0


class FairnessMachine(RuleBasedStateMachine):
    """Two tenants of one class keep waiting: their grants never differ by more than one."""

    @initialize()
    def start(self) -> None:
        self.queue = AdmissionQueue(AdmissionSettings(1, 1000, 1000), lambda: 0.0)
        self.queue.enter()
        self.granted = {"a": 0, "b": 0}
        self.park("b", 2)
        self.park("a", 2)

    @rule(tenant=st.sampled_from(["a", "b"]), number=st.integers(1, 5))
    def park(self, tenant: str, number: int) -> None:
        for _ in range(number):
            assert self.queue.offer(tenant, Priority.STANDARD, 3600.0)[0].state == QUEUED

    @rule()
    def finish(self) -> None:
        ticket = self.queue.finish()
        assert ticket is not None
        self.granted[ticket.tenant] += 1
        self.park(ticket.tenant, 1)

    @invariant()
    def grants_are_even(self) -> None:
        if hasattr(self, "granted"):
            assert abs(self.granted["a"] - self.granted["b"]) <= 1


class ClassMachine(RuleBasedStateMachine):
    """All classes keep waiting: each has its weight of the grants, but for one round."""

    @initialize()
    def start(self) -> None:
        self.queue = AdmissionQueue(AdmissionSettings(1, 1000, 1000), lambda: 0.0)
        self.queue.enter()
        self.served: list[Priority] = []
        for priority in Priority:
            self.park(priority, 2)

    @rule(priority=st.sampled_from(list(Priority)), number=st.integers(1, 3))
    def park(self, priority: Priority, number: int) -> None:
        for _ in range(number):
            assert self.queue.offer("", priority, 3600.0)[0].state == QUEUED

    @rule(number=st.integers(1, 30))
    def finish(self, number: int) -> None:
        for _ in range(number):
            ticket = self.queue.finish()
            assert ticket is not None
            self.served.append(ticket.priority)
            self.park(ticket.priority, 1)

    @invariant()
    def nobody_starves(self) -> None:
        served = getattr(self, "served", [])
        for priority, share in zip(Priority, (16, 4, 1), strict=True):
            assert abs(served.count(priority) - len(served) * share / 21) < 2
        batch = [-1, *(at for at, it in enumerate(served) if it is Priority.BATCH), len(served)]
        assert all(after - before <= 22 for before, after in pairwise(batch))


BOUNDED = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueue = QueueMachine.TestCase
TestQueue.settings = BOUNDED
TestFairness = FairnessMachine.TestCase
TestFairness.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestClasses = ClassMachine.TestCase
TestClasses.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
