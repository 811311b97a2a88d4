"""Which requests are worked on, which wait and which are turned away: decisions, no waiting."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import isfinite

from gateway.core.hole import Priority
from gateway.core.machine import Transition, targets
from gateway.core.ports import Clock
from gateway.core.value import value
from gateway.state.lanes import Lanes, Refusal, Ticket
from gateway.state.pace import Pace

NEW, QUEUED, RUNNING, DONE, SHED, LEFT = "new", "queued", "running", "done", "shed", "left"
INITIAL = NEW
TRANSITIONS = (
    Transition(NEW, "admit", RUNNING, "A slot is free: it is worked on at once."),
    Transition(NEW, "park", QUEUED, "Every slot is taken: it waits for its turn."),
    Transition(NEW, "refuse", SHED, "There is no room in the queue, or it would wait too long."),
    Transition(QUEUED, "admit", RUNNING, "Its turn: it gets the slot of a request that ended."),
    Transition(QUEUED, "refuse", SHED, "A higher class took its place, or it waited too long."),
    Transition(QUEUED, "leave", LEFT, "The caller left: its place is free at once."),
    Transition(RUNNING, "leave", LEFT, "The caller left as the turn came: the slot is handed on."),
    Transition(RUNNING, "finish", DONE, "It ended, however it did: the slot is handed on."),
)
NEXT = targets(TRANSITIONS)


class Shed(StrEnum):
    """Why a request was turned away."""

    QUEUE_FULL = "queue_full"
    TENANT_FULL = "tenant_full"
    TOO_LATE = "too_late"
    DISPLACED = "displaced"
    WAITED_TOO_LONG = "waited_too_long"


WORDS = {
    Shed.QUEUE_FULL: "the queue is full",
    Shed.TENANT_FULL: "the tenant's part of the queue is full",
    Shed.TOO_LATE: "its turn would come too late",
    Shed.DISPLACED: "a request of a higher class took its place in the full queue",
    Shed.WAITED_TOO_LONG: "its turn did not come within the longest wait",
}


@value
class AdmissionSettings:
    """At most `max_running` requests are worked on at once, and `max_queued` wait.

    `max_queued_per_tenant` of those may be one tenant's. Nobody waits longer than `max_wait_s`.
    A request that would wait for more than `wait_share` of the time it has left is refused at
    once. The rest is for its work: with a share of 1 a steady overload makes everybody wait until
    there is no time left to work in, and hardly anybody is answered.
    Raises ValueError naming the setting that makes no sense.
    """

    max_running: int = 1024
    max_queued: int = 4096
    max_queued_per_tenant: int = 1024
    max_wait_s: float = 30.0
    wait_share: float = 0.5

    def __post_init__(self) -> None:
        if self.max_running < 1:
            raise ValueError("max_running must be at least 1")
        if self.max_queued < 0:
            raise ValueError("max_queued must not be negative")
        if self.max_queued_per_tenant < 0:
            raise ValueError("max_queued_per_tenant must not be negative")
        if not (isfinite(self.max_wait_s) and self.max_wait_s > 0):
            raise ValueError("max_wait_s must be positive and finite")
        if not 0 < self.wait_share <= 1:
            raise ValueError("wait_share must be above 0 and at most 1")


@value
class AdmissionMetrics:
    """What the door did since the start; `running` and `queued` are now.

    Every request is in one of `admitted`, `shed`, `left` and `queued`. `longest_wait_s` is of
    those whose turn came.
    """

    running: int
    queued: int
    admitted: int
    shed: Mapping[Shed, int]
    left: int
    longest_wait_s: float


class AdmissionQueue:
    """Decides who runs and says who is to be woken; it never waits itself.

    Whenever a slot is free nobody waits. It belongs to one event loop and holds no lock.
    """

    __slots__ = (
        "_admitted",
        "_clock",
        "_lanes",
        "_left",
        "_longest_s",
        "_most",
        "_pace",
        "_settings",
        "_shed",
        "running",
    )

    def __init__(self, settings: AdmissionSettings, clock: Clock) -> None:
        self.running = 0
        self._most = settings.max_running
        self._settings = settings
        self._clock = clock
        self._lanes = Lanes()
        self._pace = Pace()
        self._admitted = 0
        self._shed = dict.fromkeys(Shed, 0)
        self._left = 0
        self._longest_s = 0.0

    def enter(self) -> bool:
        """Take a free slot; False when there is none. Each taken slot needs one `finish`."""
        if self.running < self._most:
            self.running += 1
            self._admitted += 1
            return True
        return False

    def offer(self, tenant: str, priority: Priority, left_s: float) -> tuple[Ticket, Ticket | None]:
        """Decide about a request with `left_s` seconds left: its ticket runs, waits or is shed.

        The second ticket is the one displaced by it, whose request is to be woken with its
        refusal.
        """
        now = self._clock()
        ticket = Ticket(tenant, priority, now, INITIAL)
        if self.enter():
            _move(ticket, "admit")
            return ticket, None
        self._pace.begin(now)
        displaced, why = self._place(tenant, priority, left_s, now)
        if why is not None:
            self._refuse(ticket, why)
            return ticket, None
        if displaced is not None:
            self._lanes.remove(displaced)
            self._refuse(displaced, Shed.DISPLACED)
        self._lanes.add(ticket)
        _move(ticket, "park")
        return ticket, displaced

    def finish(self) -> Ticket | None:
        """Free a slot; return the ticket that has it now and is to be woken.

        Raises ValueError when no slot is taken: somebody freed one twice.
        """
        if not self.running:
            raise ValueError("a slot was freed that nobody had taken")
        if self._pace.full:
            self._pace.ended(self._clock())
            return self._hand_on()
        self.running -= 1
        return None

    def leave(self, ticket: Ticket) -> Ticket | None:
        """Forget a request whose caller left while it waited; return whom to wake instead.

        One whose turn had just come hands its slot on; one that was just shed is gone already.
        """
        if ticket.state == SHED:
            return None
        granted = ticket.state == RUNNING
        _move(ticket, "leave")
        self._left += 1
        if granted:
            self._admitted -= 1
            return self._hand_on()
        self._lanes.remove(ticket)
        return None

    def expire(self, ticket: Ticket) -> bool:
        """Shed a ticket that has waited for the longest time; False when it waits no more."""
        if ticket.state != QUEUED:
            return False
        self._lanes.remove(ticket)
        self._refuse(ticket, Shed.WAITED_TOO_LONG)
        return True

    def read(self) -> AdmissionMetrics:
        """Copy the counters."""
        return AdmissionMetrics(
            running=self.running,
            queued=self._lanes.waiting,
            admitted=self._admitted,
            shed=dict(self._shed),
            left=self._left,
            longest_wait_s=self._longest_s,
        )

    def _place(
        self, tenant: str, priority: Priority, left_s: float, now: float
    ) -> tuple[Ticket | None, Shed | None]:
        """Find a place in the queue: whom to displace for it, or why there is none."""
        settings, lanes = self._settings, self._lanes
        if lanes.of_tenant(tenant) >= settings.max_queued_per_tenant:
            return None, Shed.TENANT_FULL
        wait_s = self._pace.wait_s(lanes.position(tenant, priority), now)
        if wait_s > min(left_s * settings.wait_share, settings.max_wait_s):
            return None, Shed.TOO_LATE
        if lanes.waiting < settings.max_queued:
            return None, None
        displaced = lanes.newest_below(priority)
        return displaced, Shed.QUEUE_FULL if displaced is None else None

    def _refuse(self, ticket: Ticket, why: Shed) -> None:
        _move(ticket, "refuse")
        self._shed[why] += 1
        waiting = self._lanes.waiting
        ticket.refusal = Refusal(
            f"the gateway is overloaded, {self.running} requests run and {waiting} wait: "
            f"{WORDS[why]}",
            self._pace.retry_after_s(waiting + 1, self._clock()),
        )

    def _hand_on(self) -> Ticket | None:
        if not self._lanes.waiting:
            self._pace.stop()
            self.running -= 1
            return None
        ticket = self._lanes.take()
        _move(ticket, "admit")
        self._admitted += 1
        self._longest_s = max(self._longest_s, self._clock() - ticket.since)
        return ticket


def _move(ticket: Ticket, event: str) -> None:
    """Follow the table. Raises ValueError for a transition that is not in it."""
    target = NEXT.get((ticket.state, event))
    if target is None:
        raise ValueError(f"a ticket that is {ticket.state} cannot {event}")
    ticket.state = target
