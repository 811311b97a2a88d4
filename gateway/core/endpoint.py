"""A remote model that the gateway may call."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value


class Capability(StrEnum):
    """What an endpoint is good at; free `tags` cover everything else."""

    CODE_COMPLETION = "code_completion"
    LONG_CONTEXT = "long_context"
    CONSTRAINED_GENERATION = "constrained_generation"
    FAST_INFERENCE = "fast_inference"
    HIGH_QUALITY = "high_quality"
    SECURITY_AWARE = "security_aware"


class Protocol(StrEnum):
    """How an endpoint is spoken to."""

    NATIVE = "native"
    OPENAI = "openai"
    OIP = "oip"


class Transport(StrEnum):
    """What carries gRPC: grpcio, or the gateway's own HTTP/2 engine (`gateway.h2`)."""

    GRPCIO = "grpcio"
    H2 = "h2"


DEFAULT_CAPABILITIES = frozenset({Capability.CODE_COMPLETION})


@value
class Endpoint:
    """One endpoint as the router sees it. It holds no secret and no connection.

    `priority`: lower is tried first. `cost_micros_per_1k`: millionths of the configured currency
    for 1,000 tokens. `timeout_s`: longest time of one attempt. `max_context`: tokens of prompt,
    suffix and completion together, 0 when not stated. `continues`: the endpoint can go on from
    prompt + partial answer, so that a cut stream may be resumed on it. `group`: replicas of one
    model share it, and the router sees them as one endpoint of that name; `weight`: share of the
    group's traffic relative to the others. `idempotent`: asking it twice does no harm but cost.
    `takes_tools`: it is spoken to in chat, so that it can be told of tools and call them.
    """

    name: str
    capabilities: frozenset[Capability] = DEFAULT_CAPABILITIES
    priority: int = 0
    cost_micros_per_1k: int = 0
    timeout_s: float = 300.0
    max_context: int = 0
    tags: frozenset[str] = frozenset()
    drained: bool = False
    continues: bool = True
    protocol: Protocol = Protocol.NATIVE
    url: str = ""
    model: str = ""
    group: str = ""
    weight: float = 1.0
    idempotent: bool = True
    takes_tools: bool = False

    @property
    def rank(self) -> tuple[int, int, str]:
        """Sort key of the router: priority, then cost, then name, so that ties never vary."""
        return (self.priority, self.cost_micros_per_1k, self.name)
