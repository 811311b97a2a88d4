"""The fake gateway that users test with: scripts, holds, failures and records, for both clients."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import job_service_pb2 as jobs
from ensemble.v1.cache_service_pb2 import ClearCacheResponse
from ensemble.v1.result_pb2 import Verdict
from ensemble_client import (
    Cancelled,
    ConstraintsFailed,
    DeadlineExceeded,
    EnsembleError,
    FailedPrecondition,
    GenerateRequest,
    HoleSpec,
    Internal,
    NotFound,
    RefineHole,
    ResourceExhausted,
    StreamDelta,
    StreamTruncated,
    Unavailable,
)
from ensemble_client.channel import service_config
from ensemble_client.testing import Failure, FakeGateway, Hold, Reply
from ensemble_client.testing.reasons import CODE_OF
from ensemble_client.testing.services import METHODS

from tests.fakes.both_clients import Both

ERRORS = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def test_holes_take_the_answers_in_order_and_the_last_one_stays(both: Both) -> None:
    with FakeGateway("a", Reply("b", endpoint="big", confidence=0.5)) as fake:
        fake.answers(pb.GenerateResponse(text="c", model="m"))
        texts = [both.generate(fake.target, "x").text for _ in range(4)]
    assert texts == ["a", "b", "c", "c"]


def test_without_a_script_a_hole_is_filled_with_pass(both: Both) -> None:
    with FakeGateway() as fake:
        answer = both.generate(fake.target, "x", request_id="mine", hole=HoleSpec(hole_id=7))
    assert (answer.text, answer.endpoint, answer.request_id) == ("pass", "fake", "mine")
    assert answer.hole_id == 7
    assert answer.decision.primary == "fake"
    assert len(answer.attempts) == 1


def test_an_answer_may_be_a_function_of_the_request(both: Both) -> None:
    with FakeGateway(lambda request: Reply(request.prompt.upper())) as fake:
        assert both.generate(fake.target, "x = ").text == "X = "


def test_what_a_function_raises_fails_the_call_and_then_the_test(both: Both) -> None:
    def refuse(request: GenerateRequest) -> str:
        raise AssertionError(request.prompt)

    with (
        pytest.raises(AssertionError, match="secret"),
        FakeGateway(refuse) as fake,
        pytest.raises(Internal, match="raised AssertionError: secret"),
    ):
        both.generate(fake.target, "secret")


def test_what_was_asked_is_recorded(both: Both) -> None:
    with FakeGateway("a") as fake:
        both.generate(
            fake.target, "x", language="go", timeout=5, settings={"tenant": "t", "token": "s"}
        )
    [call] = fake.calls
    assert call.method == "Generate"
    assert call.metadata["x-ensemble-tenant"] == "t"
    assert call.metadata["authorization"] == "Bearer s"
    assert call.timeout is not None
    assert 1 < call.timeout <= 6
    assert call.request == fake.requests[0]
    assert fake.requests[0].hole.language == "go"
    assert call.ended.is_set()


def test_a_stream_hands_its_text_out_word_by_word_or_in_given_pieces(both: Both) -> None:
    with FakeGateway("return a  + b", Reply("ab", pieces=("a", "b")), " ") as fake:
        streams = [both.collect(fake.target, "stream", "x") for _ in range(3)]
    deltas = [[e.text for e in events if isinstance(e, StreamDelta)] for events in streams]
    assert deltas == [["return ", "a  ", "+ ", "b"], ["a", "b"], [" "]]
    for events in streams:
        assert isinstance(events[0], pb.StreamStarted)
        assert isinstance(events[-1], pb.GenerateResponse)


def test_pieces_that_are_not_the_text_are_refused() -> None:
    with pytest.raises(ValueError, match="pieces"):
        Reply("ab", pieces=("a",))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(reason="NO_ELIGIBLE_ENDPOINT"), FailedPrecondition),
        (Failure(reason="ALL_ENDPOINTS_FAILED", retry_after=0.5), Unavailable),
        (Failure(reason="BUDGET_EXHAUSTED", message="no money"), ResourceExhausted),
        (Failure(reason="ALL_CANDIDATES_REJECTED", best="retrun"), ConstraintsFailed),
        (Failure(reason="NEWER", code=grpc.StatusCode.NOT_FOUND), NotFound),
        (Failure(code=grpc.StatusCode.DATA_LOSS), EnsembleError),
    ],
)
def test_a_failure_is_the_typed_error_once(both: Both, failure: Failure, kind: type) -> None:
    with FakeGateway(failure, "better") as fake:
        with pytest.raises(kind) as caught:
            both.generate(fake.target, "x", request_id="mine")
        assert both.generate(fake.target, "x").text == "better"
    error = caught.value
    assert (error.reason, error.code) == (failure.reason, failure.status())
    assert error.message == failure.words()
    assert error.request_id == "mine"
    assert error.retry_after == failure.retry_after
    assert (error.best_candidate.text if error.best_candidate else None) == failure.best
    assert len(fake.calls) == 2


def test_a_failure_may_be_retried_by_the_client(both: Both) -> None:
    with FakeGateway(Failure(reason="ALL_ENDPOINTS_FAILED", retried=True), "b") as fake:
        assert both.generate(fake.target, "x").text == "b"
    assert len(fake.calls) == 2


def test_a_failure_carries_any_detail(both: Both) -> None:
    detail = pb.FailureDetail(violations=[pb.FieldViolation(field="n", description="too many")])
    failure = Failure(reason="INVALID_FIELD", detail=detail)
    with FakeGateway(failure) as fake, pytest.raises(EnsembleError, match="n: too many"):
        both.generate(fake.target, "x")


def test_a_reason_without_a_known_status_needs_one() -> None:
    with pytest.raises(ValueError, match="'NEWER' is no reason"):
        Failure(reason="NEWER")


def test_a_stream_breaks_where_the_script_says(both: Both) -> None:
    broken = Failure(reason="STREAM_TRUNCATED", pieces=("return ", "a"))
    with FakeGateway(broken, Reply("return a", cut=True)) as fake:
        for text in ("return a", "return a"):
            with pytest.raises(StreamTruncated) as caught:
                both.collect(fake.target, "stream", "x")
            assert caught.value.partial_text == text


def test_a_held_request_waits_until_it_is_released() -> None:
    hold = Hold("late")
    with FakeGateway(hold) as fake:
        client = fake.client()
        found: list[str] = []
        asking = threading.Thread(target=lambda: found.append(client.generate("x").text))
        asking.start()
        hold.wait()
        assert found == []
        hold.release()
        asking.join()
    assert found == ["late"]


def test_a_deadline_passes_while_a_request_is_held(both: Both) -> None:
    hold = Hold()
    with FakeGateway(hold) as fake:
        with pytest.raises(DeadlineExceeded):
            both.generate(fake.target, "x", timeout=0.2)
        hold.gone()


async def test_cancelling_a_task_is_seen_by_the_hold() -> None:
    hold = Hold()
    with FakeGateway(hold) as fake:
        async with fake.async_client() as client:
            call = asyncio.create_task(client.generate("x"))
            await asyncio.to_thread(hold.wait)
            call.cancel()
            await asyncio.to_thread(hold.gone)
            with pytest.raises(asyncio.CancelledError):
                await call


def test_a_stream_may_be_held_in_the_middle_and_left_there() -> None:
    hold = Hold("a b c", after=2)
    with FakeGateway(hold) as fake:
        with fake.client().stream("x") as stream:
            for _ in range(3):
                next(stream)
            hold.wait()
            assert stream.text == "a b "
        hold.gone()


@pytest.mark.parametrize("after", [1, 3])
def test_a_held_stream_goes_on_when_it_is_released(after: int) -> None:
    hold = Hold("a b c", after=after)
    with FakeGateway(hold) as fake, fake.client().stream("x") as stream:
        next(stream)
        hold.release()
        list(stream)
        assert stream.text == "a b c"


def test_waiting_for_nobody_times_out() -> None:
    with pytest.raises(TimeoutError, match="no request"):
        Hold().wait(timeout=0)
    with pytest.raises(TimeoutError, match="did not leave"):
        Hold().gone(timeout=0)


def test_leaving_the_fake_ends_what_it_holds() -> None:
    hold = Hold()
    errors: list[Exception] = []
    fake = FakeGateway(hold)
    with fake:
        client = fake.client()

        def ask() -> None:
            try:
                client.generate("x")
            except EnsembleError as error:
                errors.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        hold.wait()
    asking.join()
    assert isinstance(errors[0], Unavailable | Cancelled)
    fake.stop()


def test_a_batch_takes_one_answer_for_each_request(both: Both) -> None:
    script = ("a", Failure(reason="BUDGET_EXHAUSTED"), "c")
    with FakeGateway(*script) as fake:
        a, refused, c, unsent = both.collect(
            fake.target, "batch", ["x", "y", "z", "\ud800"], batch_id="b"
        )
    assert (a.text, c.text) == ("a", "c")
    assert isinstance(refused, ResourceExhausted)
    assert [one.request_id for one in (a, refused, c, unsent)] == ["b-0", "b-1", "b-2", "b-3"]
    assert [request.prompt for request in fake.requests] == ["x", "y", "z"]
    assert len(fake.calls[0].messages) == 4


def test_a_refinement_fills_each_hole_and_reports_one_that_failed(both: Both) -> None:
    script = ("sum(xs)", Failure(reason="ALL_CANDIDATES_REJECTED", message="none was good"))
    source = "t = <<total>>\nr = <<result>>"
    holes = ["total", RefineHole(id="result", hole=HoleSpec(expected_type="int"))]
    with FakeGateway(*script) as fake:
        *events, result = both.collect(fake.target, "refine", source, holes, language="go")
    assert result.text == "t = sum(xs)\nr = <<result>>"
    assert (result.complete, result.filled, result.failed) == (False, 1, 1)
    assert [event.hole.id for event in events[1:]] == ["total", "result"]
    assert result.holes[1].reason == "none was good"
    asked = [(one.hole.language, one.hole.expected_type) for one in fake.requests]
    assert asked == [("go", ""), ("go", "int")]


def test_a_pipeline_runs_one_step(both: Both) -> None:
    passed = Verdict(constraint="syntax")
    with FakeGateway(Reply("x", verdicts=(passed,)), Failure(reason="UNKNOWN_PIPELINE")) as fake:
        started, step, result = both.collect(fake.target, "run_pipeline", "draft_only", "p")
        with pytest.raises(NotFound):
            both.collect(fake.target, "run_pipeline", "none", "p")
    assert started.steps == ["draft"]
    assert step.verdicts == [passed]
    assert result.response.text == "x"


def test_a_trace_has_the_answer_or_the_failure_or_neither(both: Both) -> None:
    with FakeGateway("a", Failure(reason="BUDGET_EXHAUSTED")) as fake:
        assert not both.ask(fake.target, "trace", "x", dry_run=True).HasField("response")
        assert both.ask(fake.target, "trace", "x").response.text == "a"
        assert both.ask(fake.target, "trace", "x").failure.detail.reason == "BUDGET_EXHAUSTED"
    assert len(fake.requests) == 2


EMPTY = {
    "endpoints": ((), lambda found: [one.name for one in found] == ["fake"]),
    "pipelines": ((), lambda found: [one.name for one in found] == ["draft_only"]),
    "route": (("x",), lambda found: found.decision.primary == "fake"),
    "jobs": ((), lambda found: found == []),
    "metrics": ((), lambda found: not found.endpoints),
    "clear_cache": ((), lambda found: found == 0),
    "record_outcome": (("d",), lambda found: not found.quality),
}


@pytest.mark.parametrize("method", EMPTY)
def test_other_rpcs_are_answered_with_nothing_to_say(both: Both, method: str) -> None:
    arguments, holds = EMPTY[method]
    with FakeGateway() as fake:
        assert holds(both.ask(fake.target, method, *arguments))


def test_any_rpc_can_be_scripted(both: Both) -> None:
    with FakeGateway() as fake:
        fake.on(
            "ListEndpoints",
            Failure(reason="STORE_UNAVAILABLE"),
            admin.ListEndpointsResponse(endpoints=[admin.Endpoint(name="mine")]),
        )
        fake.on("WatchJob", [jobs.WatchJobResponse(job=jobs.Job(id="j"))])
        fake.on("ClearCache", lambda _: ClearCacheResponse(cleared=3))
        with pytest.raises(Unavailable):
            both.ask(fake.target, "endpoints")
        assert [one.name for one in both.ask(fake.target, "endpoints")] == ["mine"]
        assert [job.id for job in both.collect(fake.target, "watch_job", "j")] == ["j"]
        assert both.collect(fake.target, "export_traces") == []
        assert both.ask(fake.target, "clear_cache") == 3


def test_every_rpc_that_the_client_may_retry_is_served() -> None:
    named = {
        one["service"]
        for method in json.loads(service_config())["methodConfig"]
        for one in method["name"]
    }
    assert {method.service for method in METHODS.values()} == named
    with FakeGateway() as fake, pytest.raises(ValueError, match="'Genrate' is no RPC"):
        fake.on("Genrate")


def reasons_of_the_page() -> dict[str, list[str]]:
    """The gRPC statuses of each reason that a failed request can have."""
    found: dict[str, list[str]] = {}
    for line in ERRORS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.split("|")]
        if len(cells) > 4 and cells[2] in {"status", "both"}:
            found[cells[1]] = cells[4].split(", ")
    return found


def test_the_reasons_are_those_of_the_page() -> None:
    page = reasons_of_the_page()
    assert {reason: codes[0] for reason, codes in page.items()} == {
        reason: code.name for reason, code in CODE_OF.items()
    }


def test_clients_of_the_fake_are_closed_with_it() -> None:
    with FakeGateway() as fake:
        client = fake.client(tenant="t")
        client.generate("x")
    with pytest.raises(ValueError, match="closed"):
        client.generate("x")
