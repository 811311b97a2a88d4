"""How a refinement ends that cannot go on, and what the tools of the machine are asked."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import Completion
from gateway.core.constraint import Constraint, UnitTests, VerdictStatus
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Budget
from gateway.core.policy import Invocation
from gateway.core.refinement import HoleStatus, Refinement
from gateway.core.snapshot import Snapshot
from gateway.ensemble.account import UNLIMITED
from gateway.ensemble.filler import Filler
from gateway.ensemble.part import Part
from gateway.ensemble.refine.rounds import AT_ONCE, refine
from gateway.ensemble.refine.trying import failed_endpoints
from gateway.validation.late import Tools
from tests.fakes.ensemble import Ensemble, hangs, says
from tests.fakes.executors import passing_where
from tests.fakes.refining import BAD, hole, hole_of, python_source, refined, writes
from tests.fakes.virtual import VirtualClock, run_virtual

MANY = [f"h{number}" for number in range(AT_ONCE + 3)]
WIDE = python_source("".join(f"{name} = <<{name}>>\n" for name in MANY))


class Slow:
    """Answers after a second of its clock; remembers how many calls ran at once."""

    def __init__(self) -> None:
        self.running = self.most = 0

    async def __call__(self, invocation: Invocation) -> Completion:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(1)
        finally:
            self.running -= 1
        return await says("1")(invocation)


@pytest.mark.parametrize(("parallel", "most", "seconds"), [(True, AT_ONCE, 2), (False, 1, 11)])
def test_only_so_many_holes_are_tried_at_once(parallel: bool, most: int, seconds: int) -> None:
    clock, slow = VirtualClock(), Slow()
    done = refined({"e": slow}, WIDE, [hole(name) for name in MANY], parallel=parallel, clock=clock)
    assert done.report.complete
    assert slow.most == most
    assert clock.now == 1000 + seconds


def test_the_deadline_ends_every_hole_and_what_was_filled_has_been_told() -> None:
    cancelled: list[str] = []

    async def step(invocation: Invocation) -> Completion:
        if hole_of(invocation) == "a":
            return await says("1")(invocation)
        return await hangs(cancelled=cancelled)(invocation)

    source = python_source("a = <<a>>\nb = <<b>>\nc = <<c>>\n")
    done = refined({"e": step}, source, [hole("a"), hole("b"), hole("c")], seconds=5)
    assert (done.fault.kind, done.fault.reason) == (Kind.DEADLINE, Reason.DEADLINE_EXCEEDED)
    assert cancelled == ["e", "e"]
    assert [one.part for one in done.exchange.attempts] == ["a", "b", "c"]
    assert done.way("a") == ["in_progress", "filled"]
    assert [one.hole.fill for one in done.progress if one.hole.status is HoleStatus.FILLED] == ["1"]


def test_a_budget_that_is_used_up_ends_the_run_and_cancels_what_is_in_flight() -> None:
    cancelled: list[str] = []
    source = python_source("a = <<a>>\nb = <<b>>\n", budget=Budget(max_attempts=1))
    done = refined({"e": hangs(cancelled=cancelled)}, source, [hole("a"), hole("b")])
    assert (done.fault.kind, done.fault.reason) == (Kind.EXHAUSTED, Reason.BUDGET_EXHAUSTED)
    assert cancelled == ["e"]
    attempts = {one.part: str(one.status) for one in done.exchange.attempts}
    assert attempts == {"a": "cancelled", "b": "skipped"}


def test_one_account_pays_for_all_holes() -> None:
    source = python_source("a = <<a>>\nb = <<b>>\n", budget=Budget(max_attempts=2))
    done = refined({"e": writes({"a": "1", "b": "2"})}, source, [hole("a"), hole("b")])
    assert done.report.complete
    assert done.answer.usage.completion_tokens == 10


def test_a_caller_who_leaves_ends_every_hole() -> None:
    clock, cancelled = VirtualClock(), []
    ensemble = Ensemble(clock, {"e": hangs(cancelled=cancelled)})
    exchange = ensemble.exchange(python_source("a = <<a>>\n"))

    async def emit(event: object) -> None:
        del event
        await asyncio.sleep(0)
        told.append(1)
        if len(told) > 1:
            raise Fault(Kind.CANCELLED, Origin.CALLER, Reason.CALLER_CANCELLED, "gone")

    told: list[int] = []
    exchange.emit = emit
    filler = Filler(ensemble.client._ensemble, ensemble.client.router, UNLIMITED)
    with pytest.raises(Fault) as caught:
        run_virtual(clock, refine(filler, exchange, Refinement((hole("a"),)), 0.5))
    assert caught.value.reason is Reason.CALLER_CANCELLED
    assert cancelled == ["e"]


def test_a_bug_in_one_hole_leaves_no_task_behind() -> None:
    cancelled: list[str] = []

    async def step(invocation: Invocation) -> Completion:
        if hole_of(invocation) == "b":
            raise ZeroDivisionError
        return await hangs(cancelled=cancelled)(invocation)

    clock = VirtualClock()
    ensemble = Ensemble(clock, {"e": step})
    filler = Filler(ensemble.client._ensemble, ensemble.client.router, UNLIMITED)
    exchange: Exchange = ensemble.exchange(python_source("<<a>>\n<<b>>\n"))
    with pytest.raises(ZeroDivisionError):
        run_virtual(clock, refine(filler, exchange, Refinement((hole("a"), hole("b"))), 0.5))
    assert cancelled == ["e"]


DOCUMENTED = """def one():
    '''
    >>> one()
    1
    '''
    return <<a>>

def two():
    '''
    >>> two()
    2
    '''
    return <<b>>
"""


def test_examples_are_run_once_nothing_else_is_open() -> None:
    executor = passing_where(lambda source, case: "..." not in source.replace(">>>", ""))
    source, tools = python_source(DOCUMENTED), Tools(executor)
    done = refined(
        {"e": writes({"a": "1", "b": "2"})}, source, [hole("a"), hole("b", "a")], tools=tools
    )
    assert done.report.complete
    names = {one: [v.constraint for v in done.holes[one].verdicts] for one in ("a", "b")}
    assert names["a"] == ["non_empty", "syntax"]
    assert names["b"] == ["non_empty", "syntax", "hole.examples"]
    verdicts = {one.constraint: one for one in done.answer.chosen.verdicts}
    assert verdicts["examples"].status is VerdictStatus.PASSED
    assert not verdicts["examples"].required
    assert [len(program.cases) for program in executor.programs] == [2, 2]
    assert executor.programs[-1].source == done.text


def test_a_constraint_of_the_caller_keeps_its_name() -> None:
    executor = passing_where(lambda source, case: True)
    mine = Constraint("examples", UnitTests("assert one() == 1"))
    source = python_source(DOCUMENTED, constraints=(mine,))
    done = refined(
        {"e": writes({"a": "1", "b": "2"})}, source, [hole("a"), hole("b")], tools=Tools(executor)
    )
    (verdict,) = [one for one in done.answer.chosen.verdicts if one.constraint == "examples"]
    assert verdict.required
    assert executor.programs[-1].cases == ()


def test_a_source_without_examples_runs_none() -> None:
    executor = passing_where(lambda source, case: True)
    source = python_source("a = <<a>>\n")
    done = refined({"e": writes({"a": "1"})}, source, [hole("a")], tools=Tools(executor))
    assert executor.programs == []
    assert done.report.complete


def test_an_endpoint_of_a_group_is_left_out_by_the_name_of_its_group() -> None:
    replicas = tuple(Endpoint(name, url=name, group="g") for name in ("g1", "g2"))
    snapshot = Snapshot.of((*replicas, Endpoint("lone")))
    attempt = refined({"g2": says(BAD)}, python_source("<<a>>\n"), [hole("a")], max_iterations=1)
    part = Part(None, None, (), attempt.answer.attempts)
    assert failed_endpoints(part, snapshot) == frozenset({"g"})
