"""What is counted of requests when they end, beside what the gateway counts for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Protocol

from google.rpc.code_pb2 import Code

from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.decision import RoutingReason
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Reason
from gateway.core.hole import Strategy
from gateway.core.telemetry import Meter
from gateway.ensemble.choosing.deciding import RULES
from gateway.ensemble.feedback.watching import LAYERS
from gateway.state.minute import Moved
from gateway.state.minutes import Minutes
from gateway.state.tally import OTHER, Tally
from gateway.wire.failure import CODES

MICROS = 1_000_000
STATUSES = frozenset(Code.keys())
REASONS = frozenset(str(reason) for reason in Reason)
ROUTING_REASONS = frozenset(str(reason) for reason in RoutingReason)
SKIPPED = AttemptStatus.SKIPPED
NOT_LEFT = frozenset({AttemptStatus.OK, AttemptStatus.CANCELLED})


class Times(Protocol):
    """A histogram."""

    def record(self, amount: float, attributes: dict[str, str], trace_id: str = "") -> None:
        """Count one time of `amount` seconds; `trace_id` is that of a sampled span around it."""
        ...


class RequestMeter:
    """Counts requests, their attempts and their decisions when they end; implements Meter.

    `names` are the endpoints and groups of the configuration: every other name is counted as
    `other`, as is every word that is none of ours. `target_of` names what the router sees.
    `best_of` is the number of candidates where nobody says, as the configuration has it.
    """

    def __init__(
        self,
        requests: Times,
        attempts: Times,
        decisions: Times,
        *,
        targets: dict[str, str],
        best_of: int,
    ) -> None:
        """`targets` names what the router sees for each endpoint and group."""
        self._request_times = requests
        self._attempt_times = attempts
        self._decision_times = decisions
        self._targets = targets
        self._best_of = best_of
        self.failures = Tally()
        self.exhausted = Tally()
        self.attempts = Tally()
        self.tokens = Tally()
        self.cost_micros = Tally()
        self.fallbacks = Tally()
        self.decisions = Tally()

    def ended(self, exchange: Exchange, error: BaseException | None, elapsed_s: float) -> None:
        """Count a request that ended."""
        trace_id = exchange.sampled_as
        self._request_times.record(elapsed_s, {"status_code": status_of(error)}, trace_id)
        if error is not None:
            self.failures.add((reason_of(error),))
            if exchange.exhausted:
                self.exhausted.add(())
        if exchange.replayed:
            return
        for attempt in exchange.attempts:
            self._attempt(attempt, trace_id)
        for moved in moves(exchange, self._best_of, self._targets):
            self.fallbacks.add(moved)
        self._decision(exchange)

    def _attempt(self, attempt: Attempt, trace_id: str) -> None:
        name = known(attempt.endpoint, self._targets)
        outcome = str(attempt.status)
        self.attempts.add((name, outcome, known(attempt.reason, REASONS) if attempt.reason else ""))
        if attempt.status is SKIPPED:
            return
        told = {"endpoint": name, "outcome": outcome}
        self._attempt_times.record(attempt.elapsed_s, told, trace_id)
        usage = attempt.usage
        if usage.prompt_tokens or usage.completion_tokens:
            self.tokens.add((name, "input"), usage.prompt_tokens)
            self.tokens.add((name, "output"), usage.completion_tokens)
        if attempt.cost_micros:
            self.cost_micros.add((name,), attempt.cost_micros)

    def _decision(self, exchange: Exchange) -> None:
        decision = exchange.decision
        if decision is None:
            return
        learned = decision.learned
        layer = RULES if learned is None else known(learned.decided_by, LAYERS)
        self.decisions.add((known(decision.reason, ROUTING_REASONS), layer))
        if learned is not None:
            self._decision_times.record(learned.elapsed_s, {"layer": layer}, exchange.sampled_as)


class MinuteMeter:
    """Counts requests by the minute, for dashboards; implements Meter. Words as in RequestMeter."""

    def __init__(self, minutes: Minutes, targets: dict[str, str], best_of: int) -> None:
        self._minutes = minutes
        self._targets = targets
        self._best_of = best_of

    def ended(self, exchange: Exchange, error: BaseException | None, elapsed_s: float) -> None:
        """Count a request that ended."""
        attempts = () if exchange.replayed else exchange.attempts
        failed = error is not None
        if not attempts:
            self._minutes.ended(elapsed_s, (), failed=failed)
            return
        self._minutes.ended(
            elapsed_s,
            attempts,
            tuple(moves(exchange, self._best_of, self._targets)) if len(attempts) > 1 else (),
            failed=failed,
            fell_back=fell_back(exchange, self._targets),
        )


class Meters:
    """Tells several meters of every request; implements Meter."""

    def __init__(self, *meters: Meter) -> None:
        self._meters = meters

    def ended(self, exchange: Exchange, error: BaseException | None, elapsed_s: float) -> None:
        """Count a request that ended."""
        for meter in self._meters:
            meter.ended(exchange, error, elapsed_s)


def known(word: str, words: Collection[str]) -> str:
    """Return the word when it is one of a closed set, else OTHER."""
    return word if word in words else OTHER


def status_of(error: BaseException | None) -> str:
    """Name the gRPC status with which a request ended."""
    if error is None:
        return "OK"
    if isinstance(error, Fault):
        return Code.Name(CODES[error.kind])
    return "CANCELLED" if isinstance(error, asyncio.CancelledError) else "INTERNAL"


def reason_of(error: BaseException) -> str:
    """Name why a request has no answer."""
    if isinstance(error, Fault):
        return str(error.reason)
    cancelled = isinstance(error, asyncio.CancelledError)
    return str(Reason.CALLER_CANCELLED if cancelled else Reason.INTERNAL_ERROR)


def fell_back(exchange: Exchange, targets: Mapping[str, str]) -> bool:
    """Say whether an endpoint other than the primary was called, as `policies.count` has it.

    The primary of a part of a request is the endpoint that was to be called first.
    """
    decision = exchange.decision
    primary = "" if decision is None else decision.primary
    firsts: dict[str, str] = {}
    for attempt in exchange.attempts:
        target = targets.get(attempt.endpoint, OTHER)
        first = firsts.setdefault(attempt.part, target) if attempt.part else primary
        if target != first and attempt.status is not SKIPPED:
            return True
    return False


def moves(exchange: Exchange, best_of: int, targets: Mapping[str, str]) -> Iterator[Moved]:
    """Name each handover of a request by what the router sees, and why the first was left."""
    for left, taken in handovers(exchange, best_of):
        source = targets.get(left.endpoint, OTHER)
        target = targets.get(taken.endpoint, OTHER)
        if source != target:
            yield source, target, known(left.reason, REASONS)


def handovers(exchange: Exchange, best_of: int) -> Iterator[tuple[Attempt, Attempt]]:
    """Name each attempt that was left, with the one that was made instead, in order.

    The calls of a race are made side by side: none takes over from another. Those that were
    cancelled were not left, and the parts of a request have nothing to do with each other.
    """
    if len(exchange.attempts) < 2 or _raced(exchange, best_of):  # noqa: PLR2004 - a pair
        return
    parts: dict[str, list[Attempt]] = {}
    for attempt in exchange.attempts:
        if attempt.status is not AttemptStatus.CANCELLED:
            parts.setdefault(attempt.part, []).append(attempt)
    for attempts in parts.values():
        yield from _left(attempts)


def _left(attempts: Iterable[Attempt]) -> Iterator[tuple[Attempt, Attempt]]:
    return (pair for pair in pairwise(attempts) if pair[0].status not in NOT_LEFT)


def _raced(exchange: Exchange, best_of: int) -> bool:
    request, decision = exchange.request, exchange.decision
    if request.strategy is Strategy.SEQUENTIAL:
        return False
    if request.n is not None:
        return request.n > 1
    if request.strategy is Strategy.BEST_OF_N:
        return True
    learned = decision.learned if decision is not None else None
    return ((learned.candidates if learned is not None else 0) or best_of) > 1
