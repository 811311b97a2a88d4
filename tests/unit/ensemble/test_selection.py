"""What the word `model` of a foreign protocol selects."""

from __future__ import annotations

import pytest

from gateway.core.composition import PipelineDefinition
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Strategy
from gateway.core.snapshot import Snapshot
from gateway.ensemble.selection import select, selectable
from tests.fakes.values import make_request

FLEET = Snapshot.of(
    (
        Endpoint("small", capabilities=frozenset({Capability.FAST_INFERENCE})),
        Endpoint("large", capabilities=frozenset({Capability.HIGH_QUALITY}), group="big"),
    )
)
PIPELINES = {"draft_check": PipelineDefinition("draft_check", (), "")}


def selected(model: str, **fields):
    return select(make_request(**fields), model, FLEET, PIPELINES)


@pytest.mark.parametrize("model", ["", "auto"])
def test_no_name_and_auto_leave_the_choice_to_the_router(model: str) -> None:
    assert selected(model) == make_request()


@pytest.mark.parametrize("model", ["small", "big"])
def test_an_endpoint_or_a_group_is_the_only_one_that_may_be_called(model: str) -> None:
    assert selected(model).endpoint_filter.names == {model}


def test_a_capability_is_required_of_every_endpoint() -> None:
    wanted = selected("high_quality").endpoint_filter
    assert wanted.required_capabilities == {Capability.HIGH_QUALITY}
    assert not wanted.names


def test_a_pipeline_is_run() -> None:
    request = selected("draft_check", n=3)
    assert (request.strategy, request.pipeline, request.n) == (
        Strategy.PIPELINE,
        "draft_check",
        None,
    )


@pytest.mark.parametrize("model", ["gpt-4", "large", "x" * 500])
def test_any_other_word_is_refused_with_those_that_are_known(model: str) -> None:
    with pytest.raises(Fault) as caught:
        selected(model)
    fault = caught.value
    assert (fault.kind, fault.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_ENDPOINT)
    assert "auto, small, big, fast_inference, high_quality, draft_check" in fault.message
    assert len(fault.message) < 400


def test_every_word_that_is_listed_selects_something() -> None:
    words = selectable(FLEET, PIPELINES)
    assert words[0] == "auto"
    for word in words:
        assert selected(word) is not None
