"""Refinements through both clients against a scripted gateway."""

from __future__ import annotations

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import (
    AsyncClient,
    Client,
    DeadlineExceeded,
    GenerateRequest,
    InvalidRequest,
    RefineHole,
    RefineOptions,
    RefineRequest,
    StreamTruncated,
    Unavailable,
)

from tests.fakes.both_clients import Both
from tests.fakes.gateway_server import PATIENCE_S, UNAVAILABLE, FakeGateway, fails, streams, waits

STARTED = pb.RefineResponse(started=pb.RefineStarted(waves=[pb.RefineWave(holes=["a"])]))
PROGRESS = pb.RefineResponse(
    progress=pb.HoleProgress(hole=pb.RefinedHole(id="a", status=pb.HOLE_STATUS_FILLED))
)
DONE = pb.RefineResponse(done=pb.RefineResult(text="x = 1", complete=True))
NEWER = pb.RefineResponse(sequence=7)
WHOLE = streams(STARTED, PROGRESS, NEWER, DONE)


def test_a_refinement_hands_out_its_progress_and_ends_with_the_result(both: Both) -> None:
    with FakeGateway(Refine=WHOLE) as gateway:
        events = both.collect(
            gateway.target,
            "refine",
            "x = <<a>>\ny = <<b>>",
            ["a", RefineHole(id="b", depends_on=["a"])],
            options=RefineOptions(max_iterations=3),
            language="python",
            request_id="mine",
        )
    assert [type(event).__name__ for event in events] == [
        "RefineStarted",
        "HoleProgress",
        "RefineResult",
    ]
    (seen,) = gateway.seen
    assert [hole.id for hole in seen.request.holes] == ["a", "b"]
    assert list(seen.request.holes[1].depends_on) == ["a"]
    assert seen.request.options.max_iterations == 3
    common = seen.request.request
    assert (common.prompt, common.hole.language) == ("x = <<a>>\ny = <<b>>", "python")
    assert seen.metadata["x-request-id"] == "mine"


def test_a_refinement_may_be_given_as_a_message_too(both: Both) -> None:
    request = GenerateRequest(prompt="x = <<a>>")
    whole = RefineRequest(request=request, holes=[RefineHole(id="a")])
    with FakeGateway(Refine=WHOLE) as gateway:
        both.collect(gateway.target, "refine", whole, timeout=5)
        both.collect(gateway.target, "refine", request, ["a"])
    assert [seen.request for seen in gateway.seen] == [whole, whole]
    for more in ({"language": "python"}, {"options": RefineOptions()}, {"holes": ["a"]}):
        with pytest.raises(TypeError):
            both.collect("localhost:1", "refine", whole, **more)
    with pytest.raises(InvalidRequest):
        both.collect("localhost:1", "refine", "x" * 3_000_000, ["a"])


@pytest.mark.parametrize(
    ("holes", "field"), [("ab", "holes"), (["a", "\ud800"], "holes[1]"), ([5], "holes[0]")]
)
def test_holes_that_cannot_be_sent_are_named(both: Both, holes: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        both.collect("localhost:1", "refine", "x = <<a>>", holes)
    assert [item.field for item in caught.value.violations] == [field]


def test_the_result_may_be_asked_for_alone() -> None:
    with (
        FakeGateway(Refine=WHOLE) as gateway,
        Client(gateway.target) as client,
        client.refine("x = <<a>>", ["a"], request_id="mine") as refinement,
    ):
        assert refinement.result is None
        assert refinement.finish().text == "x = 1"
        assert refinement.finish().complete
        assert refinement.result is not None
        assert refinement.request_id == "mine"


async def test_the_result_may_be_awaited_alone() -> None:
    with FakeGateway(Refine=WHOLE) as gateway:
        async with AsyncClient(gateway.target) as client:
            refinement = client.refine("x = <<a>>", ["a"])
            assert (await refinement.finish()).text == "x = 1"


BROKEN = {"connection lost": fails(UNAVAILABLE, "Socket closed"), "end missing": None}


@pytest.mark.parametrize("cause", BROKEN)
def test_a_refinement_that_breaks_off_is_never_a_result(both: Both, cause: str) -> None:
    script = streams(STARTED, PROGRESS, then=BROKEN[cause])
    with FakeGateway(Refine=script) as gateway, pytest.raises(StreamTruncated) as caught:
        both.collect(gateway.target, "refine", "x = <<a>>", ["a"], request_id="mine")
    assert (caught.value.request_id, len(gateway.seen)) == ("mine", 1)


def test_a_refinement_that_was_left_has_no_result() -> None:
    with (
        FakeGateway(Refine=streams(STARTED, then=waits)) as gateway,
        Client(gateway.target) as client,
    ):
        refinement = client.refine("x = <<a>>", ["a"])
        next(refinement)
        refinement.close()
        assert gateway.seen[0].ended.wait(PATIENCE_S)
        with pytest.raises(StreamTruncated):
            refinement.finish()


def test_a_failure_is_the_typed_error(both: Both) -> None:
    script = streams(STARTED, then=waits)
    with FakeGateway(Refine=script) as gateway, pytest.raises(DeadlineExceeded):
        both.collect(gateway.target, "refine", "x = <<a>>", ["a"], timeout=1)
    refused = fails(UNAVAILABLE, "no", pb.FailureDetail(reason="NO_ELIGIBLE_ENDPOINT"))
    script = streams(STARTED, then=refused)
    with FakeGateway(Refine=script) as gateway, pytest.raises(Unavailable) as caught:
        both.collect(gateway.target, "refine", "x = <<a>>", ["a"])
    assert caught.value.reason == "NO_ELIGIBLE_ENDPOINT"
