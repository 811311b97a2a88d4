"""Endpoints and holes that several routing tests share."""

from __future__ import annotations

from gateway.core.chat import Chat
from gateway.core.constraint import Constraint, FillConstraint, ForbiddenText
from gateway.core.decision import ChainPolicy
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.hole import (
    NO_FILTER,
    NO_SAMPLING,
    EndpointFilter,
    Hole,
    HoleSpec,
    Request,
    Sampling,
)
from gateway.core.snapshot import RouterSettings, Snapshot

FAST = Endpoint("fast", frozenset({Capability.FAST_INFERENCE}), priority=1)
QUALITY = Endpoint(
    "quality", frozenset({Capability.HIGH_QUALITY, Capability.SECURITY_AWARE}), priority=2
)
CONSTRAINED = Endpoint("constrained", frozenset({Capability.CONSTRAINED_GENERATION}), priority=3)
PARITY_FLEET = (FAST, QUALITY, CONSTRAINED)
"""The fleet of R-13."""

PLAIN = Endpoint("plain")


def snapshot_of(
    *endpoints: Endpoint, default: str | None = None, settings: RouterSettings | None = None
) -> Snapshot:
    return Snapshot.of(endpoints or PARITY_FLEET, default_endpoint=default, router=settings)


def prefer_everywhere() -> RouterSettings:
    return RouterSettings(security_chain=ChainPolicy.PREFER)


def fills(count: int, kind: str = "style") -> tuple[FillConstraint, ...]:
    return tuple(FillConstraint(kind, f"rule {index}") for index in range(count))


def forbidden(count: int) -> tuple[Constraint, ...]:
    return tuple(Constraint(f"c{index}", ForbiddenText(("x",))) for index in range(count))


def hole(spec: HoleSpec | None = None, *constraints: Constraint, prompt: str = "def f():") -> Hole:
    return Hole(prompt, spec=spec or HoleSpec(), constraints=constraints)


def request(
    wanted: Hole | None = None,
    *,
    sampling: Sampling = NO_SAMPLING,
    endpoint_filter: EndpointFilter = NO_FILTER,
    chat: Chat | None = None,
) -> Request:
    return Request(
        wanted or hole(),
        "request-1",
        sampling=sampling,
        endpoint_filter=endpoint_filter,
        chat=chat,
    )
