"""Ids of decisions, and outcomes reported about them, over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from gateway.core.stores import StoreError
from tests.fakes.gateways import failure
from tests.fakes.script import Failure, Script
from tests.fakes.served import events_of
from tests.fakes.taught import CHEAP, DEAR, Taught, trailer

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
ID = "x-ensemble-decision"


@pytest.fixture
async def cold() -> AsyncIterator[Taught]:
    async with Taught() as served:
        yield served


# --- ids ---


async def test_an_answer_has_the_id_of_its_decision(cold: Taught) -> None:
    call = cold.generate()
    answer = await call
    assert UUID(answer.decision_id).version == 7
    assert await trailer(call, ID) == answer.decision_id
    routed = await cold.route()
    assert UUID(routed.decision_id).version == 7
    assert routed.decision_id != answer.decision_id


async def test_every_event_of_a_stream_that_names_a_decision_names_the_same(cold: Taught) -> None:
    call = cold.stream()
    events = await events_of(call)
    started = events[0].started.decision_id
    assert UUID(started).version == 7
    assert events[-1].done.decision_id == started == await trailer(call, ID)


async def test_a_failure_names_its_decision_too() -> None:
    """An outcome may be reported of what never got an answer."""
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Taught(broken, broken) as served:
        failed = await failure(served.generate())
        made = failed.details["FailureDetail"].decision_id
        assert (await served.record(made, quality=0.0)).endpoint == "a"


async def test_ids_are_unique_under_concurrency(cold: Taught) -> None:
    """O-05: and each is the id of its own decision."""
    answers = await asyncio.gather(
        *(
            cold.generate(request_id=f"r{number}", labels={"task": f"t{number}"})
            for number in range(60)
        )
    )
    assert len({answer.decision_id for answer in answers}) == 60
    assert {answer.request_id for answer in answers} == {f"r{number}" for number in range(60)}


async def test_an_answer_that_is_given_again_has_the_id_of_its_only_decision(cold: Taught) -> None:
    first = await cold.generate(request_id="once")
    again = await cold.generate(request_id="once")
    assert again.decision_id == first.decision_id
    assert (await cold.analysed()).decisions == 1


async def test_without_a_store_there_are_no_ids_and_no_outcomes() -> None:
    async with Taught(outcomes={"enabled": False}) as served:
        call = served.generate()
        assert (await call).decision_id == ""
        assert await trailer(call, ID) is None
        assert (await served.route()).decision_id == ""
        for rpc, fields in (
            ("RecordOutcome", {"decision_id": "d"}),
            ("GetThresholds", {}),
            ("ProposeThresholds", {}),
            ("ApplyThresholds", {"version": 1}),
            ("RollbackThresholds", {}),
            ("ListExperiments", {}),
            ("EvaluatePolicy", {"policy": 'kind = "always"\nendpoint = "a"'}),
            ("AnalyzeRouting", {}),
        ):
            refused = await served.refused(rpc, **fields)
            assert (refused.code, refused.reason) == (PRECONDITION, "OUTCOMES_OFF"), rpc
            assert "outcomes.enabled" in refused.message


# --- outcomes ---


async def test_an_outcome_may_come_at_once_late_and_again(cold: Taught) -> None:
    answer = await cold.generate()
    made = answer.decision_id
    found = await cold.record(made, accepted=True)
    assert (found.endpoint, found.quality) == ("a", 1.0)
    await asyncio.gather(*(cold.generate() for _ in range(50)))
    late = await cold.record(made, tests_passed=1, tests_total=4)
    assert late.quality == 0.25
    assert (await cold.record(made, tests_passed=1, tests_total=4)).quality == 0.25
    analysed = await cold.analysed()
    assert (analysed.decisions, analysed.labelled) == (51, 1), "O-04"


async def test_a_report_that_claims_nothing_leaves_the_quality_unset(cold: Taught) -> None:
    found = await cold.record((await cold.route()).decision_id, compiled=True)
    assert not found.HasField("quality")


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        ({"decision_id": "nobody"}, NOT_FOUND, "UNKNOWN_DECISION", ""),
        ({"endpoint": "z"}, INVALID, "INVALID_FIELD", "endpoint"),
        ({"corrected_endpoint": "z"}, INVALID, "INVALID_FIELD", "corrected_endpoint"),
        ({"quality": 1.5}, INVALID, "INVALID_FIELD", "quality"),
        ({"quality": float("nan")}, INVALID, "INVALID_FIELD", "quality"),
        ({"edit_distance": -0.5}, INVALID, "INVALID_FIELD", "edit_distance"),
        ({"tests_passed": 3, "tests_total": 2}, INVALID, "INVALID_FIELD", ""),
        ({"tests_passed": 3}, INVALID, "INVALID_FIELD", ""),
        ({"decision_id": ""}, INVALID, "INVALID_FIELD", "decision_id"),
        ({"latency": Duration(seconds=-1)}, INVALID, "INVALID_FIELD", "latency"),
    ],
)
async def test_a_report_that_cannot_be_is_refused(
    cold: Taught, fields: dict[str, Any], code: grpc.StatusCode, reason: str, field: str
) -> None:
    made = (await cold.route()).decision_id
    refused = await cold.refused("RecordOutcome", **{"decision_id": made, **fields})
    assert (refused.code, refused.reason) == (code, reason)
    if field:
        assert field in refused.message
    if "endpoint" in field:
        assert "a, b" in refused.message


async def test_a_store_that_is_gone_leaves_requests_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with Taught(outcomes={"path": str(path)}) as served:
        made = (await served.generate()).decision_id
        await served.record(made, quality=1.0)
        for file in tmp_path.iterdir():
            file.unlink()
        refused = await served.refused("RecordOutcome", decision_id=made, quality=1.0)
        assert (refused.code, refused.reason) == (UNAVAILABLE, "STORE_UNAVAILABLE")
        for rpc in ("GetThresholds", "AnalyzeRouting", "RollbackThresholds"):
            assert (await served.refused(rpc)).reason == "STORE_UNAVAILABLE"
        answers = await asyncio.gather(*(served.generate() for _ in range(20)))
        assert {answer.endpoint for answer in answers} == {"a"}
        assert all(answer.decision_id for answer in answers)
        assert (await served.route()).decision.primary == "a"


async def test_a_store_that_cannot_be_opened_is_told_with_its_path(tmp_path: Path) -> None:
    damaged = tmp_path / "store.sqlite"
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=str(damaged)):
        async with Taught(outcomes={"path": str(damaged)}):
            raise AssertionError
    assert damaged.read_bytes().startswith(b"no database at all")


async def test_the_event_log_has_each_decision_and_report_and_no_word_of_a_request(
    tmp_path: Path,
) -> None:
    """O-01: for other programs, one line each."""
    async with Taught(outcomes={"log_path": str(tmp_path)}) as served:
        answer = await served.generate("the secret word = ")
        await served.record(answer.decision_id, quality=0.5)
    (file,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["type"] for line in lines} == {"event", "outcome"}
    assert {line["decision_id"] for line in lines} == {answer.decision_id}
    assert "secret" not in file.read_text()


async def test_a_report_about_a_replica_counts_for_its_group() -> None:
    replica = {**CHEAP, "group": "g", "priority": 0}
    async with Taught(endpoint=(replica, replica, DEAR)) as served:
        answer = await served.generate()
        assert answer.endpoint in {"a", "b"}
        found = await served.record(answer.decision_id, endpoint=answer.endpoint, quality=0.5)
        assert (found.endpoint, found.quality) == ("g", 0.5)
