"""Parameters of a run, and what the steps ask for with them."""

from __future__ import annotations

import pytest

from gateway.core.composition import Asking, StepDefinition
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Capability
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import EndpointFilter, Sampling, Strategy
from gateway.core.pipeline import PipelineRun, StepKind
from gateway.ensemble.pipeline.parameters import bind
from gateway.ensemble.pipeline.request import step_request
from gateway.ensemble.pipeline.runner import wanted
from tests.fakes.ensemble import says
from tests.fakes.pipelines import BUILT_IN, Bench, pipeline
from tests.fakes.values import make_request

TUNED = pipeline(
    """
    output = "draft"
    [parameters]
    n = { type = "int", default = 2, min = 1, max = 9 }
    heat = { type = "float", default = 0.5, min = 0, max = 1.5 }
    skill = { type = "str", default = "fast_inference", choices = ["fast_inference"] }
    zone = { type = "str", default = "eu", choices = ["eu", "us"] }
    most = { type = "int", default = 100, min = 1, max = 500 }
    [[step]]
    id = "draft"
    do = "draft"
    n = "$n"
    temperature = "$heat"
    capability = "$skill"
    tags = ["gpu", "$zone"]
    max_tokens = "$most"
    """
)
(DRAFT,) = TUNED.steps


UNKNOWN = (
    "is no parameter of the pipeline 'own', which has heat, most, n, skill, zone; leave it out"
)


def test_a_parameter_left_out_has_its_default() -> None:
    assert bind(TUNED, ()) == {
        "n": 2,
        "heat": 0.5,
        "skill": "fast_inference",
        "zone": "eu",
        "most": 100,
    }


def test_texts_are_read_as_what_the_definition_says() -> None:
    values = bind(TUNED, (("n", "3"), ("heat", "1"), ("zone", "us")))
    assert (values["n"], values["heat"], values["zone"]) == (3, 1.0, "us")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("n", "many", "must be a whole number from 1 to 9"),
        ("n", "2.5", "must be a whole number from 1 to 9"),
        ("n", "0", "must be a whole number from 1 to 9"),
        ("n", "9" * 200, "must be a whole number from 1 to 9"),
        ("heat", "nan", "must be a number from 0 to 1.5"),
        ("heat", "inf", "must be a number from 0 to 1.5"),
        ("heat", "warm", "must be a number from 0 to 1.5"),
        ("zone", "EU", "must be one of eu, us"),
        ("m", "1", UNKNOWN),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name_before_any_call(name, text, words) -> None:
    bench = Bench({"a": says("1")})
    fault = bench.run(TUNED, **{name: text})
    assert (fault.kind, fault.reason) == (Kind.INVALID, Reason.INVALID_FIELD)
    ((field, description),) = [(one.field, one.description) for one in fault.violations]
    assert (field, description) == (f"parameters[{name}]", words)
    assert bench.asked == []


def test_all_bad_parameters_are_told_at_once() -> None:
    with pytest.raises(Fault) as caught:
        bind(TUNED, (("n", "x"), ("heat", "x"), ("none", "x")))
    assert [one.field for one in caught.value.violations] == [
        "parameters[n]",
        "parameters[heat]",
        "parameters[none]",
    ]
    with pytest.raises(Fault, match="which has none"):
        bind(BUILT_IN["draft_only"], (("n", "1"),))


def test_a_step_asks_with_its_own_options() -> None:
    request = make_request(
        endpoint_filter=EndpointFilter(
            frozenset({"eu-only"}), frozenset({"old"}), frozenset({Capability.CODE_COMPLETION})
        )
    )
    asked = step_request(DRAFT, request, bind(TUNED, (("zone", "us"),)))
    assert (asked.n, asked.sampling.temperature, asked.sampling.max_tokens) == (2, 0.5, 100)
    assert asked.endpoint_filter == EndpointFilter(
        frozenset({"eu-only", "gpu", "us"}),
        frozenset({"old"}),
        frozenset({Capability.CODE_COMPLETION, Capability.FAST_INFERENCE}),
    )
    assert asked.request_id == "request-1/draft"


def test_the_callers_temperature_and_length_stand_over_the_steps() -> None:
    request = make_request(sampling=Sampling(max_tokens=7, temperature=0.0))
    sampling = step_request(DRAFT, request, bind(TUNED, ())).sampling
    assert (sampling.max_tokens, sampling.temperature) == (7, 0.0)


@pytest.mark.parametrize(
    ("asking", "fields", "strategy", "n"),
    [
        (Asking(), {}, None, None),
        (Asking(), {"strategy": Strategy.BEST_OF_N, "n": 4}, Strategy.BEST_OF_N, 4),
        (Asking(), {"n": 4}, None, 4),
        (Asking(), {"strategy": Strategy.PIPELINE}, None, None),
        (Asking(n=2), {"strategy": Strategy.PIPELINE}, None, 2),
        (Asking(strategy=Strategy.SEQUENTIAL), {"n": 4}, Strategy.SEQUENTIAL, None),
        (Asking(strategy=Strategy.BEST_OF_N, n=3), {"n": 4}, Strategy.BEST_OF_N, 3),
    ],
)
def test_a_step_has_its_own_strategy_or_that_of_the_request(asking, fields, strategy, n) -> None:
    step = StepDefinition("draft", StepKind.DRAFT, asking=asking)
    asked = step_request(step, make_request(**fields), {})
    assert (asked.strategy, asked.n) == (strategy, n)


def exchange(work=None, **fields) -> Exchange:
    return Exchange(make_request(**fields), Deadline(1e9), work=work)


def test_a_pipeline_is_found_by_the_name_that_a_request_gives() -> None:
    run = PipelineRun("draft_only", (("a", "1"),))
    assert wanted(exchange(run), BUILT_IN) == (BUILT_IN["draft_only"], run)
    by_strategy = exchange(strategy=Strategy.PIPELINE, pipeline="draft_validate")
    definition, found = wanted(by_strategy, BUILT_IN)
    assert definition is BUILT_IN["draft_validate"]
    assert found == PipelineRun("draft_validate")


def test_an_unknown_pipeline_is_not_found_and_the_known_ones_are_named() -> None:
    with pytest.raises(Fault) as caught:
        wanted(exchange(PipelineRun("drafts")), BUILT_IN)
    fault = caught.value
    assert (fault.kind, fault.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_PIPELINE)
    assert "best_of_n_select, cascade_cheap_then_strong, draft_critique_repair" in fault.message
    assert not fault.against_endpoint


@pytest.mark.parametrize(
    ("work", "fields", "field"),
    [
        (None, {"strategy": Strategy.PIPELINE}, "pipeline"),
        (None, {"strategy": Strategy.PIPELINE, "pipeline": "draft_only", "n": 3}, "n"),
        (PipelineRun("draft_only"), {"pipeline": "draft_validate"}, "request.pipeline"),
    ],
)
def test_a_request_names_one_pipeline(work, fields, field) -> None:
    with pytest.raises(Fault) as caught:
        wanted(exchange(work, **fields), BUILT_IN)
    assert caught.value.violations[0].field == field
