"""A call to a group goes to one of its replicas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.core.candidate import Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Origin, Reason
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.policy import Call, Invocation
from gateway.core.ports import Clock

REFUSALS = frozenset(
    {
        Reason.BREAKER_OPEN,
        Reason.ENDPOINT_SATURATED,
        Reason.ENDPOINT_UNHEALTHY,
        Reason.ENDPOINT_WARMING_UP,
    }
)
"""Faults of ours that say that a replica was not called; another one may be."""


class Chooser(Protocol):
    """Knows how busy the replicas of a group are."""

    def pick(self, candidates: Sequence[str], session_id: str = "") -> str:
        """Choose one of the candidates; calls of one session may be kept together."""
        ...

    def started(self, name: str) -> None:
        """Count one more call of the replica in flight."""
        ...

    def ended(self, name: str, outcome: Outcome, elapsed_s: float) -> None:
        """Count one call less of the replica in flight, how it ended and how long it took."""
        ...


class Able(Protocol):
    """Knows what would keep a replica from being called."""

    def __call__(self, name: str, *, last: bool) -> bool:
        """Say whether nothing would; `last` when no other endpoint is left. Changes nothing."""
        ...


def balance(
    calls: Mapping[str, Call],
    replicas: Sequence[Endpoint],
    chooser: Chooser,
    clock: Clock,
    *,
    is_open: Callable[[str], bool],
    ready: Callable[[str], bool],
    able: Able,
) -> Call:
    """Hand each call to a replica of a group: the `calls` of all replicas, by name, become one.

    `is_open` says whether a replica gets requests at all, that is, is not drained; `ready` whether
    nothing would keep it from being called now, of which a new one may take count; `able` says so
    without a call being meant. A replica that the invocation has tried already is
    called again only when each other one was tried as often, so that a retry and a hedge go
    elsewhere. A replica that turns out to refuse is left at once for the next; when all do, the
    last refusal is raised. A fault of a replica that was called is raised as it is: whether to call
    another one is up to `retry`, which `Invocation.elsewhere` tells whether there is any.
    """
    by_name = {replica.name: replica for replica in replicas}

    def choose(invocation: Invocation, names: Sequence[str]) -> str:
        tried = invocation.tried
        if tried:
            fewest = min(map(tried.count, names))
            names = [name for name in names if tried.count(name) == fewest]
        # When none is ready, one is called all the same: its own policies record why not.
        candidates = [name for name in names if ready(name)] or names
        return chooser.pick(candidates, invocation.task.request.session_id)

    async def call_one(invocation: Invocation, name: str) -> Completion:
        began, outcome = clock(), Outcome.NOT_COUNTED
        chooser.started(name)
        try:
            completion = await calls[name](invocation)
            outcome = Outcome.SUCCESS
        except Fault as fault:
            outcome = outcome_of(fault)
            raise
        finally:
            chooser.ended(name, outcome, clock() - began)
        return completion

    async def balanced(invocation: Invocation) -> Completion:
        task = invocation.task
        # The request was routed before a drain that left no replica open: it is still served.
        left = [name for name in by_name if is_open(name)] or list(by_name)
        while True:
            name = choose(invocation, left)
            invocation.tried.append(name)
            invocation.task = replace(task, endpoint=by_name[name])
            try:
                return await call_one(invocation, name)
            except Fault as fault:
                left.remove(name)
                if not left or fault.origin is not Origin.US or fault.reason not in REFUSALS:
                    invocation.elsewhere = _elsewhere(invocation, left, able)
                    raise
            finally:
                invocation.task = task

    return balanced


def _elsewhere(invocation: Invocation, names: Sequence[str], able: Able) -> bool:
    tried, last = invocation.tried, invocation.last
    return any(name not in tried and able(name, last=last) for name in names)
