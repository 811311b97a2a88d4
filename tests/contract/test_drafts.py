"""A draft to repair or to criticise reaches every endpoint that can do something with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from ensemble.v1.model_service_pb2 import ModelServiceGenerateRequest
from ensemble.v1.model_service_pb2 import Operation as WireOperation

from gateway.core.constraint import Constraint, JsonSchema
from gateway.core.endpoint import Protocol
from gateway.core.hole import Hole
from gateway.core.outcome import Outcome, outcome_of
from gateway.core.ports import Draft, Operation
from tests.fakes.rig import PROMPT, SUFFIX, Rig

DRAFT = Draft("return a - b  # a private draft", ("line 1: subtracts", "unit_tests: 1 of 2 failed"))
CRITIQUE = ("line 1: subtracts\n", "line 2: ", "is missing")
OFFERED = pytest.mark.parametrize("rig", ["native", "chat"], indirect=True)
OLDER = pytest.mark.parametrize("rig", ["completions", "oip"], indirect=True)


@dataclass(frozen=True)
class Told:
    """What a server was told in its last call."""

    operation: str
    draft: bool
    issues: bool
    steered: bool


def told(rig: Rig) -> Told:
    body = rig.server.witness.asked[-1].body
    if isinstance(body, ModelServiceGenerateRequest):
        return Told(
            WireOperation.Name(body.operation).removeprefix("OPERATION_").lower(),
            body.HasField("draft") and body.draft.text == DRAFT.text,
            tuple(body.draft.issues) == DRAFT.issues,
            bool(body.constraints),
        )
    if rig.speaks is Protocol.OIP:
        text = str(body)
        return Told("generate", DRAFT.text in text, any(one in text for one in DRAFT.issues), False)
    everything = str(body.get("messages") or body["prompt"])
    named = all(f"- {issue}" in everything for issue in DRAFT.issues)
    reviewed = "You review drafts" in everything
    return Told(
        "critique" if reviewed else "repair" if "An earlier fill" in everything else "generate",
        DRAFT.text in everything,
        named,
        "response_format" in body,
    )


@OFFERED
async def test_a_draft_and_its_issues_arrive_with_the_code_around_it(
    rig: Rig, streamed: bool
) -> None:
    completion = await rig.ask(streamed, operation=Operation.REPAIR, draft=DRAFT)
    assert completion.text == rig.script.text
    assert told(rig) == Told("repair", draft=True, issues=True, steered=False)
    (asked,) = rig.server.witness.asked
    assert PROMPT in asked.before
    assert SUFFIX in asked.after


@OFFERED
async def test_a_critique_is_asked_for_and_its_words_come_back(rig: Rig, streamed: bool) -> None:
    rig.script.pieces = CRITIQUE
    completion = await rig.ask(streamed, operation=Operation.CRITIQUE, draft=DRAFT)
    assert completion.text == "".join(CRITIQUE)
    assert told(rig) == Told("critique", draft=True, issues=True, steered=False)


@OFFERED
async def test_what_steers_a_fill_steers_its_repair_and_no_critique(
    rig: Rig, streamed: bool
) -> None:
    schema = Constraint("shape", JsonSchema('{"type": "object"}'))
    hole = Hole(PROMPT, SUFFIX, constraints=(schema,))
    request = replace(rig.task().request, hole=hole)
    for operation, steered in ((Operation.REPAIR, True), (Operation.CRITIQUE, False)):
        await rig.ask(streamed, request=request, operation=operation, draft=DRAFT)
        assert told(rig).steered is steered


@OLDER
async def test_a_call_without_instructions_repairs_by_filling_again(
    rig: Rig, streamed: bool
) -> None:
    completion = await rig.ask(streamed, operation=Operation.REPAIR, draft=DRAFT)
    assert completion.text == rig.script.text
    assert told(rig) == Told("generate", draft=False, issues=False, steered=False)


@OLDER
async def test_a_call_without_instructions_offers_no_critique_and_is_not_made(
    rig: Rig, streamed: bool
) -> None:
    fault = await rig.fault(streamed, operation=Operation.CRITIQUE, draft=DRAFT)
    assert outcome_of(fault) is Outcome.NOT_COUNTED
    assert not fault.retryable
    assert "private" not in repr(fault)
    assert rig.server.witness.asked == []


async def test_without_a_draft_none_is_sent(rig: Rig, streamed: bool) -> None:
    await rig.ask(streamed)
    assert told(rig) == Told("generate", draft=False, issues=False, steered=False)


@OFFERED
async def test_a_draft_that_is_not_unicode_is_the_callers(rig: Rig, streamed: bool) -> None:
    broken = Draft("\ud800", ("\udfff",))
    fault = await rig.fault(streamed, operation=Operation.REPAIR, draft=broken)
    assert outcome_of(fault) is Outcome.NOT_COUNTED
    assert rig.server.witness.asked == []
