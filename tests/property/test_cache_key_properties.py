"""Keys of the result cache: what may change an answer changes the key, and nothing else does."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.caching import CacheOperation, cache_key
from gateway.core.canonical import canonical
from gateway.core.constraint import (
    Constraint,
    FillConstraint,
    ForbiddenText,
    Grammar,
    GrammarRule,
    GrammarSyntax,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
)
from gateway.core.endpoint import Capability
from gateway.core.hole import (
    Budget,
    CachePolicy,
    EndpointFilter,
    Hole,
    HoleKind,
    HoleOrigin,
    HoleSpec,
    Objective,
    Priority,
    Request,
    RoutingMode,
    Sampling,
    Strategy,
)

TEXTS = st.text(max_size=8)
WORDS = st.frozensets(TEXTS, max_size=3)
COUNTS = st.none() | st.integers(1, 9)
MASKS = st.builds(TokenMask, st.tuples(st.integers(0, 9)), st.just(()))
GRAMMARS = st.builds(
    Grammar,
    st.sampled_from(GrammarSyntax),
    TEXTS,
    st.lists(st.builds(GrammarRule, TEXTS, st.tuples(TEXTS)), max_size=2).map(tuple),
    TEXTS,
)
BODIES = st.one_of(
    st.builds(JsonSchema, TEXTS),
    GRAMMARS,
    st.builds(Regex, TEXTS, TEXTS),
    MASKS,
    st.builds(ForbiddenText, st.tuples(TEXTS)),
    st.builds(TypeGoal, TEXTS, TEXTS, st.just((("x", "int"),)), TEXTS, st.none() | MASKS),
    st.builds(UnitTests, TEXTS, TEXTS, st.tuples(TEXTS)),
)
CONSTRAINTS = st.builds(
    Constraint,
    TEXTS,
    BODIES,
    st.integers(0, 3),
    required=st.booleans(),
    security=st.booleans(),
    rich_context=TEXTS,
    feasible=st.booleans(),
)
SPECS = st.builds(
    HoleSpec,
    hole_id=COUNTS,
    kind=st.sampled_from(HoleKind),
    language=TEXTS,
    expected_type=st.none() | TEXTS,
    json_schema=st.none() | st.builds(JsonSchema, TEXTS),
    grammar=st.none() | GRAMMARS,
    grammar_ref=st.none() | TEXTS,
    fill_constraints=st.lists(st.builds(FillConstraint, TEXTS, TEXTS, TEXTS), max_size=2).map(
        tuple
    ),
    origin=st.none() | st.builds(HoleOrigin, TEXTS, st.integers(0, 9), TEXTS, TEXTS),
)
DEGREES = st.none() | st.floats(0, 2)
REQUESTS = st.builds(
    Request,
    st.builds(Hole, TEXTS, TEXTS, SPECS, st.lists(CONSTRAINTS, max_size=2).map(tuple)),
    TEXTS,
    st.builds(
        Sampling, COUNTS, DEGREES, DEGREES, COUNTS, COUNTS, st.lists(TEXTS, max_size=2).map(tuple)
    ),
    st.none() | st.sampled_from(Strategy),
    COUNTS,
    st.builds(Budget, COUNTS, COUNTS, COUNTS, st.none()),
    st.builds(EndpointFilter, WORDS, WORDS, st.frozensets(st.sampled_from(Capability))),
    TEXTS,
    st.just(()) | st.tuples(st.tuples(st.just("task"), st.text(min_size=1, max_size=8))),
    st.booleans(),
    st.just(()),
    TEXTS,
    st.sampled_from(Priority),
    st.booleans(),
    TEXTS,
    st.sampled_from(RoutingMode),
    st.sampled_from(Objective),
    st.sampled_from(CachePolicy),
)


def key(request: Request) -> bytes:
    return cache_key(request, CacheOperation.GENERATE, b"revision", "1")


def told(request: Request) -> Request:
    """The request without what its answer does not depend on."""
    return replace(
        request,
        request_id="",
        session_id="",
        return_candidates=False,
        trace_context=(),
        cache_policy=CachePolicy.DEFAULT,
    )


@given(one=REQUESTS, other=REQUESTS)
def test_two_requests_share_a_key_exactly_when_they_ask_the_same(
    one: Request, other: Request
) -> None:
    assert (key(one) == key(other)) == (told(one) == told(other))


@given(request=REQUESTS, other=REQUESTS, data=st.data())
def test_changing_any_one_field_that_may_change_the_answer_changes_the_key(
    request: Request, other: Request, data: st.DataObject
) -> None:
    """One field at a time, at any depth: draws of whole requests differ in many."""
    place, path = request, [request]
    names: list[str] = []
    while True:
        name = data.draw(st.sampled_from([field.name for field in fields(place)]))
        names.append(name)
        inner: Any = getattr(place, name)
        if not hasattr(inner, "__dataclass_fields__") or data.draw(st.booleans()):
            break
        place = inner
        path.append(place)
    donor: Any = other
    for name in names:
        donor = getattr(donor, name, None)
    changed: Any = donor
    for owner, name in zip(reversed(path), reversed(names), strict=True):
        changed = replace(owner, **{name: changed})
    assert (key(changed) == key(request)) == (told(changed) == told(request))


@given(request=REQUESTS, other=REQUESTS)
def test_what_names_a_request_does_not_change_its_key(request: Request, other: Request) -> None:
    renamed = replace(
        request,
        request_id=other.request_id,
        session_id=other.session_id,
        trace_context=(("traceparent", other.request_id),),
        return_candidates=other.return_candidates,
        cache_policy=other.cache_policy,
        labels=(*request.labels, ("team", other.request_id)),
        budget=replace(request.budget, max_wall_s=1.5),
    )
    assert key(renamed) == key(request)


@given(request=REQUESTS, tenants=st.lists(st.text(max_size=12), min_size=2, unique=True))
def test_no_two_tenants_share_a_key(request: Request, tenants: list[str]) -> None:
    """H-03, issue 7's bar: no answer of one tenant can be found by another."""
    keys = {key(replace(request, tenant=tenant)) for tenant in tenants}
    assert len(keys) == len(tenants)


PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.sampled_from(HoleKind),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.builds(JsonSchema, inner),  # type: ignore[arg-type]
    max_leaves=8,
)


def shape(part: object) -> object:
    """The part with the types of all that is in it, so that 1, 1.0 and True are three things."""
    if isinstance(part, tuple):
        return ("tuple", *map(shape, part))
    if isinstance(part, JsonSchema):
        return ("schema", shape(part.text))
    return (type(part).__name__, repr(part + 0.0) if isinstance(part, float) else part)


@given(one=PARTS, other=PARTS)
def test_canonical_bytes_are_equal_exactly_when_values_are(one: object, other: object) -> None:
    assert (canonical(one) == canonical(other)) == (shape(one) == shape(other))
    assert canonical((one, other)) == canonical((one, other))
    if shape(one) != shape(other):
        assert canonical((one, other)) != canonical((other, one))
