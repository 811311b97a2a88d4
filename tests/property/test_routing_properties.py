"""The router against a plain transcription of its requirements; laws for any input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    FillConstraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    JsonSchema,
    TokenMask,
)
from gateway.core.decision import ChainPolicy, RoutingDecision
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.faults import Fault, Reason
from gateway.core.hole import EndpointFilter, Hole, HoleKind, HoleSpec, Request, Sampling
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.routing.router import ModelRouter
from gateway.routing.sampling import spread
from tests.fakes.complexity import complexity_v1, complexity_v2

# --- the oracle: §2 of the requirements, read line by line and written as plainly as possible ---

FLOORS = {
    HoleKind.EXPRESSION: 64,
    HoleKind.STATEMENT: 256,
    HoleKind.BLOCK: 512,
    HoleKind.FUNCTION: 1024,
    HoleKind.UNSPECIFIED: 256,
    HoleKind.MODULE: 2048,
    HoleKind.SPECIFICATION: 2048,
}


@dataclass
class Refused(Exception):
    reason: str


def oracle_complexity(hole: Hole, version: str) -> float:
    n = len(hole.spec.fill_constraints) + len(hole.constraints)
    schemas = [] if hole.spec.json_schema is None else [hole.spec.json_schema]
    schemas += [c.body for c in hole.constraints if isinstance(c.body, JsonSchema)]
    grammars = [] if hole.spec.grammar is None else [hole.spec.grammar]
    grammars += [c.body for c in hole.constraints if isinstance(c.body, Grammar)]
    factors = [min(n / 10, 1)]
    if schemas:
        read = [json.loads(schema.text) for schema in schemas]
        kinds = [inner for one in read for inner in one["properties"].values()]
        deep = kinds if version == "v1" else [k for k in kinds if k["type"] in {"object", "array"}]
        needed = sum(len(one["required"]) for one in read)
        factors.append(min(len(kinds) / 20, 0.5) + min(needed / 10, 0.3) + min(len(deep) / 5, 0.2))
    if grammars:
        lengths = [len(rule.rhs) for grammar in grammars for rule in grammar.rules]
        rhs = sum(lengths) / len(lengths) if version == "v1" else max(lengths)
        factors.append(min(len(lengths) / 50, 0.5) + min(rhs / 10, 0.5))
    if version == "v1":
        return sum(factors) / len(factors)
    folded = 0.0
    for factor in factors:
        folded += (1 - folded) * factor
    return folded


def oracle_rule(request: Request, settings: RouterSettings) -> str:
    hole = request.hole
    fills, constraints = hole.spec.fill_constraints, hole.constraints
    if any(fill.kind.lower() == "security" for fill in fills):
        return "security"
    if any(c.security or isinstance(c.body, TokenMask) for c in constraints):
        return "security"
    if len(fills) + len(constraints) > settings.constraint_limit:
        return "constrained"
    if hole.spec.grammar is not None or any(isinstance(c.body, Grammar) for c in constraints):
        return "constrained"
    complexity = oracle_complexity(hole, settings.estimator)
    if complexity < settings.fast_below:
        return "fast"
    return "quality" if complexity > settings.quality_above else "medium"


def oracle_eligible(endpoints: Sequence[Endpoint], request: Request) -> list[Endpoint]:
    wanted, spec = request.endpoint_filter, request.hole.spec
    size = len(request.hole.prompt.encode()) + len(request.hole.suffix.encode())
    size += sum(len(f.kind.encode()) + len(f.value.encode()) for f in spec.fill_constraints)
    size += sum(len(c.name.encode()) for c in request.hole.constraints)
    to_write = request.sampling.max_tokens
    needed = 64 + (size + 2) // 3 + (FLOORS[spec.kind] if to_write is None else to_write)
    return [
        e
        for e in sorted(endpoints, key=lambda e: (e.priority, e.cost_micros_per_1k, e.name))
        if not e.drained
        and not (wanted.required_tags - e.tags)
        and not (wanted.forbidden_tags & e.tags)
        and not (wanted.required_capabilities - e.capabilities)
        and not (e.max_context > 0 and needed > e.max_context)
    ]


def oracle(snapshot: Snapshot, request: Request) -> tuple[list[str], str]:
    if not all(constraint.feasible for constraint in request.hole.constraints):
        raise Refused(Reason.INFEASIBLE_CONSTRAINT)
    settings = snapshot.router
    rule = oracle_rule(request, settings)
    eligible = oracle_eligible(snapshot.endpoints, request)
    names = [endpoint.name for endpoint in eligible]
    names.sort(key=lambda name: name != snapshot.default_endpoint)  # stable: the default first
    if rule == "medium":
        if not names:
            raise Refused(Reason.NO_ELIGIBLE_ENDPOINT)
        return names, "medium_default"
    capability, policy = {
        "security": (Capability.SECURITY_AWARE, settings.security_chain),
        "constrained": (Capability.CONSTRAINED_GENERATION, settings.constrained_chain),
        "fast": (Capability.FAST_INFERENCE, settings.fast_chain),
        "quality": (Capability.HIGH_QUALITY, settings.quality_chain),
    }[rule]
    capable = [e.name for e in eligible if capability in e.capabilities]
    rest = [e.name for e in eligible if capability not in e.capabilities]
    if policy is ChainPolicy.STRICT:
        rest = names = []
    if capable:
        return capable + rest, f"{rule}_match"
    if not names:
        raise Refused(Reason.NO_ELIGIBLE_ENDPOINT)
    return names, f"{rule}_no_match"


# --- any fleet, any hole ---

TAGS = st.frozensets(st.sampled_from(["eu", "us", "gpu"]), max_size=2)
ENDPOINT = st.builds(
    Endpoint,
    name=st.sampled_from([f"e{index}" for index in range(12)]),
    capabilities=st.frozensets(st.sampled_from(Capability), min_size=1, max_size=4),
    priority=st.integers(0, 2),
    cost_micros_per_1k=st.integers(0, 2),
    max_context=st.sampled_from([0, 0, 0, 0, 200, 400, 1200]),
    tags=TAGS,
    drained=st.sampled_from([False, False, False, True]),
)
FLEET = st.lists(ENDPOINT, min_size=1, max_size=7, unique_by=lambda endpoint: endpoint.name).map(
    tuple
)
POLICY = st.sampled_from([ChainPolicy.PREFER, ChainPolicy.PREFER, ChainPolicy.STRICT])
SETTINGS = st.builds(
    RouterSettings,
    constraint_limit=st.sampled_from([10, 10, 3]),
    estimator=st.sampled_from(["v1", "v2"]),
    security_chain=POLICY,
    constrained_chain=POLICY,
    fast_chain=POLICY,
    quality_chain=POLICY,
)
PROPERTY = st.sampled_from(["string", "integer", "object", "array"])
SCHEMA = st.dictionaries(st.sampled_from("abcdefghijklmnop"), PROPERTY, max_size=16).flatmap(
    lambda kinds: st.integers(0, len(kinds)).map(
        lambda count: JsonSchema(
            json.dumps(
                {
                    "properties": {name: {"type": kind} for name, kind in kinds.items()},
                    "required": sorted(kinds)[:count],
                }
            )
        )
    )
)
RULE = st.builds(
    GrammarRule, st.sampled_from("abcd"), st.lists(st.just("x"), min_size=1, max_size=12).map(tuple)
)
GRAMMAR = st.lists(RULE, min_size=1, max_size=8).map(lambda rules: Grammar(rules=tuple(rules)))
PLAIN_BODY = st.just(ForbiddenText(("x",)))
BODY = st.one_of(PLAIN_BODY, *[SCHEMA] * 4, GRAMMAR, st.just(TokenMask((1,))))
FILL = st.builds(FillConstraint, st.sampled_from(["style"] * 9 + ["Security"]), st.text(max_size=3))
MOSTLY = st.sampled_from([True] * 19 + [False])
CONSTRAINTS = st.lists(
    st.tuples(st.one_of(*[PLAIN_BODY] * 5, BODY), MOSTLY, MOSTLY), max_size=7
).map(
    lambda drawn: tuple(
        Constraint(f"c{index}", body, security=not calm, feasible=feasible)
        for index, (body, calm, feasible) in enumerate(drawn)
    )
)
SPEC = st.builds(
    HoleSpec,
    kind=st.sampled_from(HoleKind),
    json_schema=st.one_of(st.none(), SCHEMA),
    grammar=st.one_of(st.none(), st.none(), st.none(), GRAMMAR),
    fill_constraints=st.one_of(
        st.integers(0, 11).map(lambda count: (FillConstraint("style"),) * count),
        st.lists(FILL, max_size=5).map(tuple),
    ),
)
HOLE = st.builds(
    Hole, st.text(max_size=400), st.text(max_size=20), spec=SPEC, constraints=CONSTRAINTS
)
FILTER = st.builds(
    EndpointFilter, TAGS, TAGS, st.frozensets(st.sampled_from(Capability), max_size=1)
)
REQUEST = st.builds(
    Request,
    HOLE,
    st.just("request-1"),
    sampling=st.builds(Sampling, max_tokens=st.one_of(st.none(), st.integers(1, 300))),
    endpoint_filter=st.one_of(*[st.just(EndpointFilter())] * 3, FILTER),
)


def result(router: ModelRouter, request: Request) -> RoutingDecision | tuple[Reason, str]:
    try:
        return router.route(request)
    except Fault as fault:
        return fault.reason, fault.message


def expected(snapshot: Snapshot, request: Request) -> tuple[list[str], str]:
    try:
        return oracle(snapshot, request)
    except Refused as refused:
        return [], refused.reason


@settings(deadline=None)
@given(FLEET, SETTINGS, REQUEST, st.data())
def test_the_router_equals_the_transcription(
    fleet: tuple[Endpoint, ...], settings: RouterSettings, request: Request, data: st.DataObject
) -> None:
    default = data.draw(st.sampled_from([endpoint.name for endpoint in fleet]))
    snapshot = Snapshot.of(fleet, default_endpoint=default, router=settings)
    chain, reason = expected(snapshot, request)
    ours = result(ModelRouter(snapshot), request)
    if not isinstance(ours, RoutingDecision):
        assert ([], reason) == (chain, ours[0])
        return
    assert (list(ours.chain), ours.reason) == (chain, reason)
    excluded = {one.endpoint for one in ours.excluded}
    assert excluded == set(snapshot.by_name) - {e.name for e in oracle_eligible(fleet, request)}


@settings(deadline=None)
@given(HOLE)
def test_complexity_equals_the_transcription(hole: Hole) -> None:
    assert abs(complexity_v1(hole) - oracle_complexity(hole, "v1")) < 1e-9
    assert abs(complexity_v2(hole) - oracle_complexity(hole, "v2")) < 1e-9


@settings(deadline=None)
@given(FLEET, SETTINGS, REQUEST, st.data())
def test_the_order_in_which_endpoints_are_listed_decides_nothing(
    fleet: tuple[Endpoint, ...], settings: RouterSettings, request: Request, data: st.DataObject
) -> None:
    shuffled = tuple(data.draw(st.permutations(fleet)))
    one, two = (
        ModelRouter(Snapshot.of(listed, default_endpoint=fleet[0].name, router=settings))
        for listed in (fleet, shuffled)
    )
    assert result(one, request) == result(two, request)


# --- monotone complexity (R-11) ---


def with_schema(hole: Hole, change: str, name: str) -> Hole:
    text = '{"properties": {}, "required": []}'
    if hole.spec.json_schema is not None:
        text = hole.spec.json_schema.text
    schema = json.loads(text)
    if change == "required":
        schema["required"].append(name)
    else:
        schema["properties"].setdefault(name, {"type": change})
    return replace(hole, spec=replace(hole.spec, json_schema=JsonSchema(json.dumps(schema))))


def with_rule(hole: Hole, rule: GrammarRule) -> Hole:
    grammar = hole.spec.grammar or Grammar()
    grammar = replace(grammar, rules=(*grammar.rules, rule))
    return replace(hole, spec=replace(hole.spec, grammar=grammar))


def with_fill(hole: Hole, fill: FillConstraint) -> Hole:
    fills = (*hole.spec.fill_constraints, fill)
    return replace(hole, spec=replace(hole.spec, fill_constraints=fills))


def with_constraint(hole: Hole, body: ConstraintBody) -> Hole:
    return replace(hole, constraints=(*hole.constraints, Constraint("new", body)))


@settings(deadline=None)
@given(
    HOLE,
    st.sampled_from(["string", "object", "array", "required"]),
    st.sampled_from("abcxyz"),
    RULE,
    FILL,
    BODY,
)
def test_adding_anything_never_lowers_complexity(
    hole: Hole,
    change: str,
    name: str,
    rule: GrammarRule,
    fill: FillConstraint,
    body: ConstraintBody,
) -> None:
    before = complexity_v2(hole)
    assert 0.0 <= before <= 1.0
    for larger in (
        with_schema(hole, change, name),
        with_rule(hole, rule),
        with_fill(hole, fill),
        with_constraint(hole, body),
    ):
        assert before <= complexity_v2(larger) <= 1.0


@settings(deadline=None)
@given(st.integers(1, 30), st.lists(RULE, max_size=5))
def test_adding_to_a_grammar_in_text_never_lowers_complexity(
    count: int, rules: list[GrammarRule]
) -> None:
    text, before = "", 0.0
    for rule in rules * count:
        text += f"{rule.lhs}: {' | '.join(rule.rhs)}\n"
        now = complexity_v2(Hole("x", spec=HoleSpec(grammar=Grammar(text=text))))
        assert now >= before
        before = now


@settings(deadline=None)
@given(
    st.integers(1, 16),
    st.one_of(st.none(), st.integers(0, 2**64 - 1)),
    st.floats(0.0, 2.0),
    st.text(max_size=10),
)
def test_candidates_are_distinct_and_within_bounds(
    n: int, seed: int | None, temperature: float, request_id: str
) -> None:
    request = Request(Hole("x"), request_id)
    planned = Sampling(max_tokens=1, temperature=temperature, seed=seed)
    ours = [spread(planned, index, n, request=request) for index in range(n)]
    assert len({one.seed for one in ours}) == n
    for one in ours[1:]:
        assert one.temperature is not None
        assert 0.0 <= one.temperature <= 1.5
        assert one.seed is not None
        assert 0 <= one.seed < 2**31
