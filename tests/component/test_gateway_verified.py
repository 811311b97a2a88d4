"""Candidates judged by tests that are really run, through a gateway over loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.hole_pb2 import Constraint, UnitTests
from ensemble.v1.model_service_pb2 import Operation
from ensemble.v1.result_pb2 import AttemptStatus, VerdictStatus

from tests.fakes.gateways import Door, failure, gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.sandboxes import needs_sandbox
from tests.fakes.script import Asked, Script

pytestmark = needs_sandbox()

PROMPT = "def add(a, b):\n    return "
CASES = ["assert add(1, 2) == 3", "assert add(0, 5) == 5", "assert add(2, 1) == 3"]


@dataclass
class Stand:
    """A gateway with a sandbox over a server that is wrong and one that is right."""

    door: Door
    wrong: FakeModelServer
    right: FakeModelServer


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        wrong, right = (
            FakeModelServer(Script(pieces=("a - b",))),
            FakeModelServer(Script(pieces=("a + b",))),
        )
        for server in (wrong, right):
            await stack.enter_async_context(server)
        settings = settings_of(
            wrong.url,
            right.url,
            sandbox={"kind": "bubblewrap"},
            # One after the other: what has come when the choice is decided hangs on nothing else.
            ensemble={"in_flight": 1},
        )
        door = await stack.enter_async_context(gateway_on_loopback(settings))
        yield Stand(door, wrong, right)


def asking(*, advisory: bool = False, **fields: object) -> pb.GenerateRequest:
    tests = Constraint(name="tests", unit_tests=UnitTests(cases=CASES), advisory=advisory)
    return request(PROMPT, suffix="\n", hole={"language": "python"}, constraints=[tests], **fields)


async def test_failed_tests_go_on_down_the_chain_like_a_failed_call(stand: Stand) -> None:
    answer = await stand.door.generate(asking(), timeout=30)
    assert (answer.text, answer.endpoint) == ("a + b", "b")
    statuses = [attempt.status for attempt in answer.attempts]
    assert statuses == [
        AttemptStatus.ATTEMPT_STATUS_REJECTED,
        AttemptStatus.ATTEMPT_STATUS_OK,
    ]
    assert {verdict.status for verdict in answer.verdicts} == {VerdictStatus.VERDICT_STATUS_PASSED}
    assert answer.confidence_method == "validators+tests+logprob"


async def test_the_next_endpoint_is_told_what_failed_when_the_caller_wants_it(
    stand: Stand,
) -> None:
    await stand.door.generate(asking(repair=True), timeout=30)
    (asked,) = stand.right.witness.asked
    assert isinstance(asked, Asked)
    sent = asked.body
    assert sent.operation == Operation.OPERATION_REPAIR
    assert sent.draft.text == "a - b"
    assert list(sent.draft.issues) == [
        "tests: 3 of 3 cases fail; cases[0] fails: AssertionError in line 1 of the case"
    ]


async def test_when_no_candidate_passes_the_best_one_is_told_with_its_verdicts(
    stand: Stand,
) -> None:
    stand.right.script = Script(pieces=("a * b",))
    failed = await failure(stand.door.generate(asking(), timeout=30))
    assert failed.code is grpc.StatusCode.ABORTED
    best = failed.details["FailureDetail"].best_candidate
    assert best.text in {"a - b", "a * b"}
    assert (best.cases_run, best.cases_passed) == (3, 0)
    status = {verdict.constraint: verdict.status for verdict in best.verdicts}
    assert status["tests"] == VerdictStatus.VERDICT_STATUS_FAILED


async def test_candidates_come_back_with_their_groups_and_utilities(stand: Stand) -> None:
    answer = await stand.door.generate(
        asking(advisory=True, strategy="STRATEGY_BEST_OF_N", n=4, return_candidates=True),
        timeout=30,
    )
    assert answer.text == "a + b"
    groups = {candidate.text: candidate.cluster for candidate in answer.candidates}
    assert len(set(groups.values())) == 2
    utility = {candidate.text: candidate.utility for candidate in answer.candidates}
    assert utility["a + b"] > utility["a - b"] == 0.0
    # Two to come could not change the choice any more.
    assert len(answer.candidates) == 2
