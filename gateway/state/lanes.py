"""Who is next among those that wait: classes by weight, tenants in turn, each in order."""

from __future__ import annotations

from collections import OrderedDict

from gateway.core.hole import Priority
from gateway.core.value import value

WEIGHTS = {Priority.INTERACTIVE: 16, Priority.STANDARD: 4, Priority.BATCH: 1}
"""Grants of each class while all of them wait, highest class first."""
WHOLE = 16
"""A number that every weight divides, so that passes stay integers."""


@value
class Refusal:
    """Why a request is not worked on, for its caller, and after how many seconds to ask again."""

    words: str
    retry_after_s: float


class Ticket:
    """A request at the door. `state` is one of `queue.TRANSITIONS`; `since` is its arrival."""

    __slots__ = ("priority", "refusal", "since", "state", "tenant")

    def __init__(self, tenant: str, priority: Priority, since: float, state: str) -> None:
        self.tenant = tenant
        self.priority = priority
        self.since = since
        self.state = state
        self.refusal: Refusal | None = None


class Lane:
    """Tickets of one class: all by arrival, and by tenant in the order of their turns."""

    __slots__ = ("at", "stride", "tenants", "tickets")

    def __init__(self, weight: int) -> None:
        self.stride = WHOLE // weight
        self.at = 0
        self.tickets: OrderedDict[Ticket, None] = OrderedDict()
        self.tenants: OrderedDict[str, OrderedDict[Ticket, None]] = OrderedDict()

    def add(self, ticket: Ticket) -> None:
        """Let a ticket wait behind those of its tenant; a new tenant has its turn last."""
        self.tickets[ticket] = None
        own = self.tenants.get(ticket.tenant)
        if own is None:
            own = self.tenants[ticket.tenant] = OrderedDict()
        own[ticket] = None

    def take(self) -> Ticket:
        """Remove the first ticket of the tenant whose turn it is, whose next turn is last."""
        tenant, own = next(iter(self.tenants.items()))
        ticket = next(iter(own))
        self.tenants.move_to_end(tenant)
        self.remove(ticket)
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Take a ticket out, wherever it stands."""
        del self.tickets[ticket]
        own = self.tenants[ticket.tenant]
        del own[ticket]
        if not own:
            del self.tenants[ticket.tenant]

    def turns(self, tenant: str) -> int:
        """Count the grants of this class until one more ticket of the tenant has had its own.

        Its k-th ticket comes in the k-th round, in which every tenant has at most k grants.
        """
        own = self.tenants.get(tenant, ())
        tenants = len(self.tenants) + (not own)
        return min(len(self.tickets) + 1, (len(own) + 1) * tenants)


class Lanes:
    """All that wait. Nobody starves: of some 21 grants a class that waits gets its weight.

    Classes are served by stride scheduling (Waldspurger and Weihl, "Stride Scheduling:
    Deterministic Proportional-Share Resource Management", MIT/LCS/TM-528, 1995): the class with
    the lowest pass is next, and its pass grows by its stride, the inverse of its weight. A class
    that begins to wait joins one stride behind the pass served last, so that idling saves nothing
    up. Within a class tenants are served round robin (Nagle, RFC 970), each in order of arrival.
    """

    __slots__ = ("_lanes", "_passed", "_tenants", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self._lanes = {priority: Lane(weight) for priority, weight in WEIGHTS.items()}
        self._tenants: dict[str, int] = {}
        self._passed = 0

    def of_tenant(self, tenant: str) -> int:
        """Count a tenant's tickets over all classes."""
        return self._tenants.get(tenant, 0)

    def add(self, ticket: Ticket) -> None:
        """Let a ticket wait."""
        lane = self._lanes[ticket.priority]
        if not lane.tickets:
            lane.at = self._passed + lane.stride
        lane.add(ticket)
        self.waiting += 1
        self._tenants[ticket.tenant] = self.of_tenant(ticket.tenant) + 1

    def take(self) -> Ticket:
        """Remove the ticket whose turn it is; somebody has to wait."""
        # `min` keeps the first of equals, which is the higher class.
        lane = min(
            (lane for lane in self._lanes.values() if lane.tickets), key=lambda lane: lane.at
        )
        self._passed = lane.at
        lane.at += lane.stride
        ticket = lane.take()
        self._forget(ticket)
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Take a ticket out, wherever it stands."""
        self._lanes[ticket.priority].remove(ticket)
        self._forget(ticket)

    def newest_below(self, priority: Priority) -> Ticket | None:
        """Find the newest ticket of the lowest class that waits, if that is below `priority`."""
        mine = self._lanes[priority]
        lane = next(it for it in reversed(self._lanes.values()) if it.tickets or it is mine)
        return None if lane is mine else next(reversed(lane.tickets))

    def position(self, tenant: str, priority: Priority) -> int:
        """Estimate how many grants it takes until one more such ticket has had its own.

        While a class has its turns, the others have theirs by weight, as far as they wait.
        """
        mine = self._lanes[priority]
        turns = position = mine.turns(tenant)
        for lane in self._lanes.values():
            if lane is not mine:
                position += min(len(lane.tickets), turns * mine.stride // lane.stride + 1)
        return position

    def _forget(self, ticket: Ticket) -> None:
        self.waiting -= 1
        left = self._tenants.pop(ticket.tenant) - 1
        if left:
            self._tenants[ticket.tenant] = left
