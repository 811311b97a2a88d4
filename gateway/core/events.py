"""What happens while a hole is filled, in the order it happens; a streamed answer is made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.core.candidate import Attempt
from gateway.core.constraint import Verdict
from gateway.core.decision import RoutingDecision


@dataclass(frozen=True, slots=True)
class Started:
    """The route is known; always first."""

    decision: RoutingDecision


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the text, to be appended."""

    text: str
    candidate: int
    endpoint: str


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt was left; the next one, if any, follows."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Failover:
    """Text was already sent; another endpoint goes on after `resumed_at` characters."""

    from_endpoint: str
    to_endpoint: str
    resumed_at: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A check of the streamed text ended."""

    verdict: Verdict


Event = Started | Delta | AttemptFailed | Failover | Judged

Emit = Callable[[Event], Awaitable[None]]
"""Hands one event to the caller and returns when there is room for the next: back-pressure."""
