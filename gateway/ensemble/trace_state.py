"""What of the running gateway a request may change, read before it and after it (V-03)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Protocol

from gateway.core.hole import Request
from gateway.core.snapshot import Snapshot
from gateway.ensemble.choosing.setup import Knowledge
from gateway.ensemble.tracing import EXPERIENCE, THRESHOLDS
from gateway.state.budget import TenantBudgets
from gateway.state.reading import EndpointReading

MAX_ENDPOINTS = 64
"""Of more endpoints, the last by rank are left out."""


class Learns(Protocol):
    """What has learned something."""

    @property
    def knowledge(self) -> Knowledge:
        """What is known now."""
        ...


class Running(Protocol):
    """A gateway that runs."""

    @property
    def snapshot(self) -> Snapshot:
        """The endpoints and rules in force."""
        ...

    @property
    def learner(self) -> Learns:
        """What learns in it."""
        ...

    def reading(self, name: str) -> EndpointReading:
        """Tell how an endpoint does now."""
        ...


def state_reader(
    gateway: Running, tenants: TenantBudgets | None
) -> Callable[[Request], Mapping[str, str]]:
    """Make what reads versions, breakers, loads and the budget of a request's tenant, as words."""

    def read(request: Request) -> Mapping[str, str]:
        now, learned = gateway.snapshot, gateway.learner.knowledge.state
        state = {
            "snapshot.version": str(now.version),
            THRESHOLDS: str(learned.thresholds.version),
            EXPERIENCE: str(learned.experience.version),
            "experience.observations": str(learned.experience.observations),
        }
        for endpoint in islice(now.callable, MAX_ENDPOINTS):
            one, name = gateway.reading(endpoint.name), f"endpoint.{endpoint.name}"
            state[f"{name}.breaker"] = one.breaker
            state[f"{name}.failure_rate"] = f"{one.failure_rate:.3f}"
            state[f"{name}.health"] = one.health
            state[f"{name}.ejected"] = str(one.ejected)
            state[f"{name}.in_flight"] = str(one.in_flight)
            state[f"{name}.drained"] = str(endpoint.drained)
        if tenants is not None:
            taken = tenants.ledger(request.tenant).taken
            state["budget.cost_micros"] = str(taken.cost_micros)
            state["budget.tokens"] = str(taken.tokens)
            state["budget.attempts"] = str(taken.attempts)
        return state

    return read
