from __future__ import annotations

import pytest
from ensemble.v1.decision_pb2 import Capability, Objective, RoutingMode
from ensemble.v1.gateway_service_pb2 import (
    Budget,
    CachePolicy,
    GenerateRequest,
    Priority,
    Strategy,
)
from ensemble.v1.hole_pb2 import Constraint, ForbiddenText, HoleKind, HoleSpec, Sampling
from ensemble_client.errors import InvalidRequest
from ensemble_client.requests import (
    KIND_ALIASES,
    MAX_TEXT_BYTES,
    CachePolicyName,
    CapabilityName,
    KindName,
    ObjectiveName,
    PriorityName,
    RequestFields,
    RoutingModeName,
    StrategyName,
    request_of,
)

CONSTRAINT = Constraint(name="plain", forbidden_text=ForbiddenText(texts=["eval("]))


CAPABILITIES = [Capability.CAPABILITY_FAST_INFERENCE, Capability.CAPABILITY_LONG_CONTEXT]


def test_every_field_finds_its_place() -> None:
    fields: RequestFields = {
        "suffix": "s",
        "language": "python",
        "kind": "block",
        "expected_type": "int",
        "constraints": [CONSTRAINT],
        "max_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 3,
        "seed": 0,
        "stop": ("\n", "#"),
        "strategy": "best_of_n",
        "n": 4,
        "routing_mode": "rules",
        "objective": "balanced",
        "budget": Budget(max_attempts=3),
        "cache_policy": "bypass",
        "required_tags": ["eu"],
        "forbidden_tags": ["beta"],
        "required_capabilities": ["fast_inference", Capability.CAPABILITY_LONG_CONTEXT],
        "endpoints": ("fast", "slow"),
        "session_id": "session",
        "labels": {"team": "a", "task": "fill"},
        "task": "repair",
        "request_id": "r",
        "trace": True,
        "return_candidates": True,
        "priority": "interactive",
        "repair": True,
        "pipeline": "draft_only",
        "detached": True,
    }
    expected = GenerateRequest(
        prompt="p",
        suffix="s",
        hole={"language": "python", "kind": HoleKind.HOLE_KIND_BLOCK, "expected_type": "int"},
        constraints=[CONSTRAINT],
        sampling=Sampling(
            max_tokens=5, temperature=0.0, top_p=0.9, top_k=3, seed=0, stop=["\n", "#"]
        ),
        strategy=Strategy.STRATEGY_BEST_OF_N,
        n=4,
        routing_mode=RoutingMode.ROUTING_MODE_RULES,
        objective=Objective.OBJECTIVE_BALANCED,
        budget=Budget(max_attempts=3),
        cache_policy=CachePolicy.CACHE_POLICY_BYPASS,
        endpoint_filter={
            "required_tags": ["eu"],
            "forbidden_tags": ["beta"],
            "required_capabilities": CAPABILITIES,
            "names": ["fast", "slow"],
        },
        session_id="session",
        labels={"team": "a", "task": "repair"},
        request_id="r",
        trace=True,
        return_candidates=True,
        priority=Priority.PRIORITY_INTERACTIVE,
        repair=True,
        pipeline="draft_only",
        detached=True,
    )
    assert request_of("p", fields) == expected
    assert fields.keys() | {"hole"} == RequestFields.__annotations__.keys()


def test_every_field_of_the_message_can_be_given() -> None:
    parts = {"prompt", "sampling", "endpoint_filter"}
    assert (
        set(GenerateRequest.DESCRIPTOR.fields_by_name) - parts
        <= RequestFields.__annotations__.keys()
    )


@pytest.mark.parametrize(
    ("names", "enum", "prefix"),
    [
        (KindName, HoleKind, "HOLE_KIND_"),
        (StrategyName, Strategy, "STRATEGY_"),
        (PriorityName, Priority, "PRIORITY_"),
        (RoutingModeName, RoutingMode, "ROUTING_MODE_"),
        (ObjectiveName, Objective, "OBJECTIVE_"),
        (CachePolicyName, CachePolicy, "CACHE_POLICY_"),
        (CapabilityName, Capability, "CAPABILITY_"),
    ],
)
def test_short_names_are_those_of_the_protos(names, enum, prefix: str) -> None:
    own = [name for name in names.__args__ if name not in KIND_ALIASES]
    assert [prefix + name.upper() for name in own] == enum.keys()[1:]


def test_what_is_not_given_is_not_set() -> None:
    assert request_of("p", {}) == GenerateRequest(prompt="p")
    assert request_of("p", {"n": None, "hole": None}) == GenerateRequest(prompt="p")


def test_fields_go_over_a_given_hole_and_leave_it_alone() -> None:
    hole = HoleSpec(hole_id=7, language="go", kind=HoleKind.HOLE_KIND_BLOCK)
    message = request_of("p", {"hole": hole, "language": "python"})
    assert message.hole == HoleSpec(hole_id=7, language="python", kind=HoleKind.HOLE_KIND_BLOCK)
    assert hole.language == "go"


def test_a_whole_message_is_sent_as_it_is() -> None:
    message = GenerateRequest(prompt="p")
    assert request_of(message, {}) is message
    with pytest.raises(TypeError, match="language"):
        request_of(message, {"language": "python"})


def test_a_misspelt_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="temprature"):
        request_of("p", {"temprature": 0.1})


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"n": -1}, "n", "cannot be -1"),
        ({"temperature": "hot"}, "sampling.temperature", "cannot be this str"),
        ({"seed": 2**64}, "sampling.seed", "cannot be 18446744073709551616"),
        ({"stop": "END"}, "sampling.stop", "must be a list"),
        ({"kind": "blok"}, "hole.kind", "expression, statement, block"),
        ({"strategy": "best"}, "strategy", "sequential, best_of_n, pipeline"),
        (
            {"required_capabilities": ["fast"]},
            "endpoint_filter.required_capabilities",
            "fast_inference",
        ),
        ({"suffix": "a\ud800"}, "suffix", "lone surrogate at character 1"),
        ({"labels": {"a": 1}}, "labels", "cannot be this dict"),
        ({"task": 5}, "labels.task", "cannot be 5"),
        ({"task": "a\ud800"}, "labels.task", "lone surrogate at character 1"),
        ({"objective": "best"}, "objective", "balanced, fastest, cheapest, accurate"),
    ],
)
def test_what_cannot_be_sent_names_its_field(fields, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_of("p", fields)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert words in caught.value.violations[0].description


def test_a_refused_text_is_not_quoted() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_of("a private prompt \ud800", {})
    error = caught.value
    assert "private" not in f"{error!r} {error} {error.__cause__!r}"
    assert error.__suppress_context__
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600"])
def test_a_text_may_have_2_mib_and_no_more(character: str) -> None:
    most = character * (MAX_TEXT_BYTES // len(character.encode()))
    assert len(request_of(most, {"suffix": most}).prompt) == len(most)
    for prompt, fields, field in (
        (most + "x", {}, "prompt"),
        ("p", {"suffix": most + "x"}, "suffix"),
        (GenerateRequest(prompt=most + "x"), {}, "prompt"),
        (GenerateRequest(prompt="p", suffix=most + "x"), {}, "suffix"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            request_of(prompt, fields)
        assert caught.value.violations[0].field == field


def test_a_large_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="lone surrogate"):
        request_of("x" * MAX_TEXT_BYTES + "\ud800", {})


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        ("nano", HoleKind.HOLE_KIND_EXPRESSION),
        ("micro", HoleKind.HOLE_KIND_STATEMENT),
        ("meso", HoleKind.HOLE_KIND_BLOCK),
        ("macro", HoleKind.HOLE_KIND_FUNCTION),
    ],
)
def test_the_other_vocabulary_of_sizes_means_the_same(alias: KindName, kind: HoleKind) -> None:
    """HS-19 ✗: two vocabularies of scale that did not know each other."""
    assert request_of("p", {"kind": alias}).hole.kind == kind
