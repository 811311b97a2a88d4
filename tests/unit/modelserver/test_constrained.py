from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import grpc
import pytest

from gateway.core.candidate import FinishReason
from gateway.core.constraint import Constraint, ConstraintBody, ForbiddenText, Regex
from gateway.core.ports import Draft, Operation
from gateway.modelserver.constrained import ROUNDS, ConstrainedEngine
from gateway.modelserver.engine import End, ModelCard, Piece, Query, Refusal


class Scripted:
    """Says one text after the other and keeps what it was asked."""

    card = ModelCard("scripted")

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[Query] = []

    async def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        self.asked.append(query)
        yield Piece(self.texts[(len(self.asked) - 1) % len(self.texts)], (-1.0,))
        yield End(FinishReason.STOP)


def query(*bodies: ConstraintBody, required: bool = True) -> Query:
    constraints = tuple(
        Constraint(f"c{index}", body, required=required) for index, body in enumerate(bodies)
    )
    return Query("x = ", "\n", constraints=constraints)


async def text_of(engine: ConstrainedEngine, asked: Query) -> str:
    return "".join([item.text async for item in engine.complete(asked) if isinstance(item, Piece)])


async def test_the_first_fill_that_meets_the_constraints_goes_out() -> None:
    scripted = Scripted("a", "b1", "b2")
    assert await text_of(ConstrainedEngine(scripted), query(Regex("b[0-9]"))) == "b1"
    assert len(scripted.asked) == 2


async def test_later_rounds_are_warmer_and_drawn_anew() -> None:
    scripted = Scripted("a")
    await text_of(ConstrainedEngine(scripted), query(Regex("b")))
    temperatures = [asked.sampling.temperature or 0.0 for asked in scripted.asked]
    assert len(scripted.asked) == ROUNDS
    assert temperatures == sorted(set(temperatures))
    assert len({asked.sampling.seed for asked in scripted.asked}) == ROUNDS


async def test_without_a_fill_that_meets_all_the_one_that_fails_least_goes_out() -> None:
    bodies = (Regex("[ab]+"), ForbiddenText(("a",)), ForbiddenText(("c",)))
    assert await text_of(ConstrainedEngine(Scripted("ac", "aa", "c")), query(*bodies)) == "aa"


async def test_without_constraints_nothing_is_tried_twice() -> None:
    scripted = Scripted("a", "b")
    assert await text_of(ConstrainedEngine(scripted), query()) == "a"
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ((Regex("("),), grpc.StatusCode.INVALID_ARGUMENT),
        ((ForbiddenText(("",)),), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_broken_constraint_is_refused(
    bodies: tuple[ConstraintBody, ...], code: grpc.StatusCode
) -> None:
    with pytest.raises(Refusal) as caught:
        await text_of(ConstrainedEngine(Scripted("a")), query(*bodies))
    assert caught.value.code is code


async def test_a_repair_is_tried_again_until_it_meets_the_constraints() -> None:
    scripted = Scripted("a", "b1")
    asked = replace(query(Regex("b[0-9]")), operation=Operation.REPAIR, draft=Draft("c"))
    assert await text_of(ConstrainedEngine(scripted), asked) == "b1"
    assert {one.draft.text for one in scripted.asked} == {"c"}


async def test_a_critique_need_not_meet_the_constraints_of_the_fill() -> None:
    scripted = Scripted("line 1: odd", "b1")
    asked = replace(query(Regex("b[0-9]")), operation=Operation.CRITIQUE, draft=Draft("c"))
    assert await text_of(ConstrainedEngine(scripted), asked) == "line 1: odd"
