"""What commands came to: counted once each, read as a copy (Q-13)."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque

from gateway.core.control import ControlOutcome, ControlResult
from gateway.core.value import value

LATELY = 100
MOST_TENANTS = 1000
"""Whose commands are counted; the counts of the one heard of longest ago give way."""


@value
class Confirmed:
    """How a question was answered: the kinds that it offered and the one chosen (Q-16)."""

    command: str
    offered: tuple[str, ...]
    chosen: str


@value
class ControlStatistics:
    """Commands since the start, by outcome, by command and by kind of job that followed.

    `confidences` and `confirmed` are the last hundred. `slow` counts those that took longer to
    resolve than is allowed; times are milliseconds.
    """

    total: int
    by_outcome: tuple[tuple[str, int], ...]
    by_command: tuple[tuple[str, int], ...]
    by_kind: tuple[tuple[str, int], ...]
    slow: int
    mean_ms: float
    max_ms: float
    confidences: tuple[float, ...]
    confirmed: tuple[Confirmed, ...]


class ControlCounts:
    """Counts commands. Belongs to one event loop, and holds no lock."""

    def __init__(self, slow_ms: float) -> None:
        self._slow_ms = slow_ms
        self._outcomes: Counter[ControlOutcome] = Counter()
        self._commands: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._slow = 0
        self._sum_ms = 0.0
        self._max_ms = 0.0
        self._confidences: deque[float] = deque(maxlen=LATELY)
        self._confirmed: deque[Confirmed] = deque(maxlen=LATELY)

    def count(self, result: ControlResult, elapsed_s: float) -> None:
        """Count one command; `elapsed_s` is the time that it took."""
        elapsed_ms = elapsed_s * 1000
        self._outcomes[result.outcome] += 1
        if result.wanted is not None:
            self._commands[result.wanted.command] += 1
        self._kinds.update(one.kind for one in result.affected)
        self._slow += elapsed_ms > self._slow_ms
        self._sum_ms += elapsed_ms
        self._max_ms = max(self._max_ms, elapsed_ms)
        self._confidences.append(result.resolution.confidence)

    def confirmed(self, one: Confirmed) -> None:
        """Keep how a question was answered."""
        self._confirmed.append(one)

    def read(self) -> ControlStatistics:
        """Copy the counts."""
        total = self._outcomes.total()
        return ControlStatistics(
            total,
            _sorted(self._outcomes),
            _sorted(self._commands),
            _sorted(self._kinds),
            self._slow,
            self._sum_ms / max(1, total),
            self._max_ms,
            tuple(self._confidences),
            tuple(self._confirmed),
        )


class TenantCounts:
    """The counts of each tenant, who sees its own only. Belongs to one event loop."""

    def __init__(self, slow_ms: float) -> None:
        self._slow_ms = slow_ms
        self._of: OrderedDict[str, ControlCounts] = OrderedDict()

    def of(self, tenant: str) -> ControlCounts:
        """Return a tenant's counts, begun now unless they were before."""
        counts = self._of.get(tenant)
        if counts is None:
            counts = self._of[tenant] = ControlCounts(self._slow_ms)
            if len(self._of) > MOST_TENANTS:
                self._of.popitem(last=False)
        self._of.move_to_end(tenant)
        return counts


def _sorted(counts: Counter[str] | Counter[ControlOutcome]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((str(name), count) for name, count in counts.items()))
