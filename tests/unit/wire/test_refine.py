"""Refinements on the wire."""

from __future__ import annotations

import pytest
from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core.candidate import AttemptStatus
from gateway.core.constraint import Regex
from gateway.core.events import Started
from gateway.core.hole import HoleKind
from gateway.core.refinement import (
    TEMPERATURES,
    FailureStrategy,
    RefineHole,
    Refinement,
    RefineOptions,
)
from gateway.wire.refine import refine_done_to_wire, refine_event_to_wire, refinement_from_wire
from tests.fakes.ensemble import says
from tests.fakes.refining import BAD, hole, python_source, refined, writes


def test_what_is_left_out_has_its_default() -> None:
    wire = pb.RefineRequest(holes=[pb.RefineHole(id="a")])
    assert refinement_from_wire(wire) == Refinement((RefineHole("a", "<<a>>"),), RefineOptions())


def test_every_field_is_read() -> None:
    wire = pb.RefineRequest()
    one = wire.holes.add(id="a", marker="TODO", depends_on=["b"])
    one.hole.kind = "HOLE_KIND_BLOCK"  # type: ignore[assignment] - protobuf takes names
    one.constraints.add(name="digits").regex.pattern = "[0-9]+"
    one.on_failure = pb.FAILURE_STRATEGY_SKIP
    wire.options.CopyFrom(
        pb.RefineOptions(
            max_iterations=3,
            min_confidence=0.0,
            parallel=False,
            temperatures=[0.5],
            on_failure=pb.FAILURE_STRATEGY_DECOMPOSE,
        )
    )
    read = refinement_from_wire(wire)
    assert read.options == RefineOptions(3, 0.0, False, (0.5,), FailureStrategy.DECOMPOSE)
    (found,) = read.holes
    assert (found.marker, found.depends_on, found.on_failure) == ("TODO", ("b",), "skip")
    assert found.spec.kind is HoleKind.BLOCK
    assert found.constraints[0].body == Regex("[0-9]+")
    assert TEMPERATURES == (0.9, 0.7, 0.5, 0.3, 0.1)


SOURCE = python_source("a = <<a>>\nb = <<b>>\nc = <<c>>\nd = <<d>>\ne = <<e>>\n")


def test_the_result_has_the_text_the_counters_and_who_wrote_what() -> None:
    """P-08, P-09 ✗: failed fills counted attempts, and model usage was never filled."""
    texts = {"a": [BAD, "1"], "b": "2", "c": BAD, "d": BAD, "e": "5"}
    holes = [
        hole("a"),
        hole("b"),
        hole("c", on_failure="human_review"),
        hole("d", on_failure="skip"),
        hole("e", "d"),
    ]
    done = refined({"x": writes(texts)}, SOURCE, holes)
    result = refine_done_to_wire(done.answer, SOURCE, "t").done
    assert result.text == "a = 1\nb = 2\nc = <<c>>\nd = <<d>>\ne = <<e>>\n"
    assert (result.filled, result.failed, result.skipped, result.blocked) == (2, 0, 2, 1)
    assert dict(result.model_usage) == {"x/m": 2}
    assert list(result.needs_review) == ["c"]
    assert (result.complete, result.iterations) == (False, 2)
    assert result.mean_confidence == pytest.approx(0.9)
    assert [one.part for one in result.attempts] == ["a", "b", "c", "d", "a"]
    assert result.usage.completion_tokens == 25
    assert (result.request_id, result.trace_id) == ("r", "t")
    left = {one.id: one for one in result.holes}
    assert (left["c"].fill, left["c"].status) == (BAD, pb.HOLE_STATUS_NEEDS_HUMAN)
    assert (left["a"].tries, left["a"].temperature) == (2, 0.7)
    assert not left["e"].HasField("temperature")


def test_parts_count_and_only_they_have_a_model() -> None:
    texts = {"a": BAD, "a.1": "1", "a.2": "2"}
    whole = hole("a", kind="block", on_failure="decompose")
    done = refined({"x": writes(texts)}, python_source("<<a>>\n"), [whole])
    result = refine_done_to_wire(done.answer, SOURCE, "").done
    assert (result.filled, dict(result.model_usage)) == (3, {"x/m": 2})
    assert list(result.holes[0].children) == ["a.1", "a.2"]
    assert result.holes[1].parent == "a"


def test_a_refinement_that_fills_nothing_has_no_confidence() -> None:
    failing = [hole("a", on_failure="skip")]
    done = refined({"x": says(BAD)}, python_source("<<a>>\n"), failing)
    result = refine_done_to_wire(done.answer, SOURCE, "").done
    assert (result.mean_confidence, dict(result.model_usage)) == (0.0, {})
    assert done.answer.attempts[0].status is AttemptStatus.REJECTED


def test_events_are_told_in_their_own_messages() -> None:
    done = refined({"x": writes({"a": "1"})}, python_source("<<a>>\n"), [hole("a")])
    written = [refine_event_to_wire(event, "r") for event in done.events]
    assert [one.WhichOneof("event") for one in written] == ["started", "progress", "progress"]
    assert written[0].started == pb.RefineStarted(
        waves=[pb.RefineWave(holes=["a"])], request_id="r"
    )
    last = written[-1].progress
    assert (last.hole.status, last.hole.fill) == (pb.HOLE_STATUS_FILLED, "1")
    assert (last.filled, last.total, last.iteration) == (1, 1, 1)
    assert refine_event_to_wire(Started(done.answer.decision), "r") is None
