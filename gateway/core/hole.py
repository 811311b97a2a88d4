"""A hole in code, and what its caller allows to be spent on it."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.core.chat import Chat
from gateway.core.constraint import Constraint, FillConstraint, Grammar, JsonSchema
from gateway.core.endpoint import Capability
from gateway.core.value import value


class HoleKind(StrEnum):
    """Size of a hole; nano, micro, meso and macro are other names of the first four."""

    UNSPECIFIED = "unspecified"
    EXPRESSION = "expression"
    STATEMENT = "statement"
    BLOCK = "block"
    FUNCTION = "function"
    MODULE = "module"
    SPECIFICATION = "specification"


@value
class HoleOrigin:
    """Where the hole comes from; `line` is 1-based, 0 when not stated."""

    file: str = ""
    line: int = 0
    project_root: str = ""
    intent: str = ""


@value
class HoleSpec:
    """The typed description of a hole. `None` means not stated."""

    hole_id: int | None = None
    kind: HoleKind = HoleKind.UNSPECIFIED
    language: str = ""
    expected_type: str | None = None
    json_schema: JsonSchema | None = None
    grammar: Grammar | None = None
    grammar_ref: str | None = None
    fill_constraints: tuple[FillConstraint, ...] = ()
    origin: HoleOrigin | None = None

    @property
    def is_plain(self) -> bool:
        """True when nothing in it can be checked: neither a language nor any requirement."""
        return not (
            self.language
            or self.fill_constraints
            or self.json_schema is not None
            or self.grammar is not None
            or self.grammar_ref is not None
            or self.expected_type is not None
        )


NO_SPEC = HoleSpec()


@value
class Hole:
    """Code before and after the hole, its description and the requirements on the fill."""

    prompt: str
    suffix: str = ""
    spec: HoleSpec = NO_SPEC
    constraints: tuple[Constraint, ...] = ()


@value
class Sampling:
    """How tokens are drawn. `None` leaves the choice to the gateway or the endpoint.

    `logprobs` asks for the log-probability of each token, of endpoints that can tell.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False


class Strategy(StrEnum):
    """How the ensemble is used."""

    SEQUENTIAL = "sequential"
    BEST_OF_N = "best_of_n"
    PIPELINE = "pipeline"


class RoutingMode(StrEnum):
    """Which part of the router decides: what the configuration says, the rules, or what learned."""

    AUTO = "auto"
    RULES = "rules"
    LEARNED = "learned"


class Objective(StrEnum):
    """What the choice among the endpoints that may be called optimises.

    BALANCED keeps the configured priorities unless something learned decides.
    """

    BALANCED = "balanced"
    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    ACCURATE = "accurate"
    COMPLETE = "complete"
    LEAST_LOAD = "least_load"


class Priority(StrEnum):
    """Who is served first when not everybody can be."""

    INTERACTIVE = "interactive"
    STANDARD = "standard"
    BATCH = "batch"


class CachePolicy(StrEnum):
    """What the result cache may do for a request.

    DEFAULT: serve and keep answers that would come out alike. ALLOW_SAMPLED: draws too. REFRESH:
    serve none, and keep the new one in the place of an old one. BYPASS: neither.
    """

    DEFAULT = "default"
    BYPASS = "bypass"
    ALLOW_SAMPLED = "allow_sampled"
    REFRESH = "refresh"


@value
class Budget:
    """What one request may spend over all attempts; `None` = no limit of the caller's.

    `max_wall_s`: seconds from its arrival to its answer, queueing and checks included.
    """

    max_cost_micros: int | None = None
    max_attempts: int | None = None
    max_tokens: int | None = None
    max_wall_s: float | None = None


@value
class EndpointFilter:
    """Hard filters: an endpoint that misses one is never called.

    `names`: the endpoints and groups that may be called; empty = all.
    """

    required_tags: frozenset[str] = frozenset()
    forbidden_tags: frozenset[str] = frozenset()
    required_capabilities: frozenset[Capability] = frozenset()
    names: frozenset[str] = frozenset()


NO_SAMPLING = Sampling()
NO_BUDGET = Budget()
NO_FILTER = EndpointFilter()


@value
class Request:
    """One request to fill a hole, as every layer below the ingress sees it.

    `strategy` and `n` are None when the caller left them to the configuration. `trace_context`
    holds the caller's W3C headers, the only metadata that goes upstream. `tenant` names who pays,
    empty when the caller did not say. `repair` tells the next endpoint of the chain what was wrong
    with a candidate. `pipeline` names the one to run with strategy PIPELINE. Label `task` names the
    kind of task, by which routing learns. `chat` is the conversation that endpoints which are
    spoken to in chat get as it is; the hole's prompt is then its transcript.
    """

    hole: Hole
    request_id: str
    sampling: Sampling = NO_SAMPLING
    strategy: Strategy | None = None
    n: int | None = None
    budget: Budget = NO_BUDGET
    endpoint_filter: EndpointFilter = NO_FILTER
    session_id: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    return_candidates: bool = False
    trace_context: tuple[tuple[str, str], ...] = field(default=())
    tenant: str = ""
    priority: Priority = Priority.STANDARD
    repair: bool = False
    pipeline: str = ""
    routing_mode: RoutingMode = RoutingMode.AUTO
    objective: Objective = Objective.BALANCED
    cache_policy: CachePolicy = CachePolicy.DEFAULT
    chat: Chat | None = None
