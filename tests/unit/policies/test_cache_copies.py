"""What the cache hands out is the very object that it keeps: nobody may be able to change it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, cast

import pytest

from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.constraint import Constraint, ForbiddenText
from gateway.core.hole import Hole, Strategy
from tests.fakes.cached import Cached
from tests.fakes.ensemble import says
from tests.fakes.stage import quick
from tests.fakes.steered import Steered

PLAIN = (str, bytes, int, float, bool, type(None), Enum)
NO_EVAL = Constraint("no_eval", ForbiddenText(("eval",)))


def changeable(part: object, path: str = "answer") -> Iterator[str]:
    """Name each place inside of a value where something else could be put."""
    if isinstance(part, PLAIN):
        return
    if isinstance(part, tuple | frozenset):
        for place, inner in enumerate(cast("tuple[object, ...]", part)):
            yield from changeable(inner, f"{path}[{place}]")
    elif is_dataclass(part) and not isinstance(part, type):
        declared: Any = type(part)
        settled = declared.__dataclass_params__
        # A `value` has a hash of its fields; that nobody sets them is up to the type checker.
        if not (settled.frozen or settled.unsafe_hash):
            yield path
        for field in fields(part):
            yield from changeable(getattr(part, field.name), f"{path}.{field.name}")
    else:
        yield f"{path}: {type(part).__name__}"


def test_nothing_of_an_answer_can_be_changed() -> None:
    """H-06 ✗: all callers got one object, and what one of them wrote into it the next one read."""
    rig = Steered({"a": says("1"), "b": says("2")})

    async def main() -> None:
        answer = await rig.start(
            strategy=Strategy.BEST_OF_N, n=2, hole=Hole("x = ", constraints=(NO_EVAL,))
        )
        assert len(answer.candidates) == len(answer.attempts) == 2
        assert answer.chosen.verdicts
        assert list(changeable(answer)) == []

    rig.run(main)


@dataclass
class Open:
    """What may be written to."""

    text: str = ""


@pytest.mark.parametrize("part", [[], {}, set[str](), bytearray(), Open, Open()])
def test_the_check_sees_what_can_be_changed(part: object) -> None:
    [found] = changeable(("text", part))
    assert found.startswith("answer[1]")


def test_what_a_caller_does_to_its_own_record_is_not_seen_by_the_next_one() -> None:
    """H-06 ✗."""
    stage = Cached(quick)

    async def main() -> None:
        first = await stage.ask()
        for age in (5.0, 10.0):
            await asyncio.sleep(5)
            exchange = stage.exchange()
            served = await stage.handle(exchange)
            assert (served.candidates, served.cache_age_s) == (first.candidates, age)
            assert exchange.candidates == list(first.candidates)
            exchange.candidates.clear()
            exchange.attempts.append(Attempt("beta", 1, AttemptStatus.OK))

    stage.run(main)
