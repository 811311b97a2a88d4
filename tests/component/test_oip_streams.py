"""ModelStreamInfer over loopback: pieces, ids, errors in words, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.wire.oip.parameters import values_of
from tests.fakes.oip_caller import Caller, asked, text_of
from tests.fakes.script import Script
from tests.fakes.served import UNCHECKED, Hold, Served

PIECES = ("return ", "a + b")
TEXT = "".join(PIECES)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with Served(Script(PIECES), endpoint=[UNCHECKED]) as made:
        yield made


@pytest.fixture
def caller(served: Served) -> Caller:
    return Caller(served)


@pytest.mark.parametrize("raw", [False, True])
async def test_a_stream_hands_out_pieces_and_flags_the_last(caller: Caller, raw: bool) -> None:
    answers = await caller.answers(asked("x = ", key="k", raw=raw))
    texts = [text_of(one.infer_response)[0] for one in answers]
    assert texts == [*PIECES, ""]
    assert {one.infer_response.id for one in answers} == {"k"}
    flags = [values_of(one.infer_response.parameters)["triton_final_response"] for one in answers]
    assert flags == [False, False, True]
    said = values_of(answers[-1].infer_response.parameters)
    assert (said["endpoint"], said["finish_reason"]) == ("a", "stop")


async def test_requests_of_one_stream_are_told_apart_by_their_id(caller: Caller) -> None:
    requests = [asked(f"x{number} = ", key=str(number)) for number in range(6)]
    texts: dict[str, str] = {}
    for answer in await caller.answers(*requests):
        one = answer.infer_response
        texts[one.id] = texts.get(one.id, "") + text_of(one)[0]
    assert texts == {str(number): TEXT for number in range(6)}


async def test_a_failed_request_leaves_its_stream_to_the_others(caller: Caller) -> None:
    bad, good = asked("x", key="bad", colour="red"), asked("x", key="good")
    two = asked("x", "y", key="two")
    ends: dict[str, Any] = {}
    for answer in await caller.answers(bad, two, good, b"\xff"):
        ends[answer.infer_response.id] = answer
    assert "parameters.colour" in ends["bad"].error_message
    assert "send more requests" in ends["two"].error_message
    assert "ModelInferRequest" in ends[""].error_message
    assert not ends["good"].error_message
    said = values_of(ends["bad"].infer_response.parameters)
    assert (said["code"], said["reason"]) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert said["triton_final_response"]


async def test_a_stream_works_on_no_more_than_its_bound() -> None:
    hold = Hold()
    async with Served(Script(PIECES), server={"batch_in_flight": 2}) as served:
        served.models[0].hold = hold
        caller = Caller(served)
        reading = asyncio.create_task(caller.answers(*(asked(f"{n}") for n in range(4))))
        witness = served.models[0].witness
        await witness.called(2)
        assert len(witness.asked) == 2
        hold.release(4)
        assert len(await reading) == 12


async def test_a_bug_of_ours_in_a_stream_is_told_without_its_words(
    served: Served, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise KeyError("a private prompt")

    monkeypatch.setattr(served.door.gateway.ensemble, "handle", broken)
    (answer,) = await caller.answers(asked("x"))
    assert "internal error (KeyError)" in answer.error_message
    assert "private" not in answer.error_message
