"""Parts of a request: several holes, or steps, with one record, one account and one deadline."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.constraint import Constraint, Regex, UnitTests, VerdictStatus
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Budget, Hole, HoleSpec
from gateway.core.policy import Invocation
from gateway.core.ports import Draft, Operation
from gateway.ensemble.account import SpendingAccount
from gateway.ensemble.filler import Filler
from gateway.ensemble.part import MAX_ISSUE_CHARS, MAX_ISSUES, issues_of
from gateway.validation.late import Tools
from tests.fakes.ensemble import Ensemble, fails, says
from tests.fakes.executors import failing, passing_where
from tests.fakes.executors import says as runs
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

DIGITS = Constraint("digits", Regex("[0-9]+"))
DRAFT = Draft("x", ("digits: no",))


class Rig:
    """A filler over scripted endpoints, and an exchange that its parts belong to."""

    def __init__(self, steps, request=None, *, budget: Budget | None = None, **settings) -> None:
        self.clock = VirtualClock()
        self.fakes = Ensemble(self.clock, steps, **settings)
        account = SpendingAccount(budget or Budget())
        self.filler: Filler = self.fakes.client.filler(account)
        self.exchange: Exchange = self.fakes.exchange(request or make_request())

    def run(self, work):
        return run_virtual(self.clock, work)

    @property
    def asked(self) -> list[str]:
        return [invocation.task.endpoint.name for invocation in self.fakes.asked]


def test_parts_stand_in_one_record_under_their_names() -> None:
    rig = Rig({"a": fails(), "b": says("2")})
    first = rig.run(rig.filler.part(rig.exchange, make_request("p = "), "one"))
    assert first.answer is not None
    assert first.answer.chosen.completion.text == "2"
    rig.run(rig.filler.part(rig.exchange, make_request("q = "), "two"))
    assert [(attempt.part, attempt.endpoint) for attempt in rig.exchange.attempts] == [
        ("one", "a"),
        ("one", "b"),
        ("two", "a"),
        ("two", "b"),
    ]
    assert rig.exchange.candidates == []


def test_parts_at_the_same_time_do_not_mark_each_others_attempts() -> None:
    """Each has a candidate 0; a failed check of one must not reject the attempt of the other."""
    rig = Rig({"a": says("12")})
    good = make_request(hole=Hole("p = ", constraints=(DIGITS,)))
    bad = make_request(hole=Hole("q = ", constraints=(Constraint("letters", Regex("[a-z]+")),)))

    async def both():
        return await asyncio.gather(
            rig.filler.part(rig.exchange, good, "good"), rig.filler.part(rig.exchange, bad, "bad")
        )

    passed, failed = rig.run(both())
    assert passed.answer is not None
    assert failed.answer is None
    assert failed.fault.reason is Reason.ALL_CANDIDATES_REJECTED
    assert [candidate.completion.text for candidate in failed.candidates] == ["12"]
    statuses = {attempt.part: attempt.status for attempt in rig.exchange.attempts}
    assert statuses == {"good": AttemptStatus.OK, "bad": AttemptStatus.REJECTED}


def test_endpoints_are_left_out_while_others_are_left() -> None:
    rig = Rig({"a": says("1"), "b": says("2")})
    rig.run(rig.filler.part(rig.exchange, make_request(), "h", without=frozenset({"a"})))
    rig.run(rig.filler.part(rig.exchange, make_request(), "h", without=frozenset({"a", "b"})))
    assert rig.asked == ["b", "a"]


def test_a_draft_is_repaired() -> None:
    rig = Rig({"a": says("1")})
    rig.run(rig.filler.part(rig.exchange, make_request(), "h", draft=DRAFT))
    (invocation,) = rig.fakes.asked
    assert (invocation.task.operation, invocation.task.draft) == (Operation.REPAIR, DRAFT)


def test_a_part_that_is_cancelled_leaves_its_attempts_in_the_record() -> None:
    rig = Rig({"a": fails(), "b": says("2")})
    started = asyncio.Event()

    async def hang(_: Invocation) -> Completion:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    rig = Rig({"a": fails(), "b": hang})

    async def leave() -> None:
        task = asyncio.create_task(rig.filler.part(rig.exchange, make_request(), "h"))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    rig.run(leave())
    statuses = [(attempt.part, attempt.status) for attempt in rig.exchange.attempts]
    assert statuses == [("h", AttemptStatus.FAILED), ("h", AttemptStatus.CANCELLED)]


def test_the_budget_is_that_of_all_parts() -> None:
    rig = Rig({"a": says("1")}, budget=Budget(max_attempts=1))
    assert rig.run(rig.filler.part(rig.exchange, make_request(), "one")).answer is not None
    second = rig.run(rig.filler.part(rig.exchange, make_request(), "two"))
    assert second.fault.reason is Reason.BUDGET_EXHAUSTED


def test_a_critique_comes_from_the_first_endpoint_that_answers() -> None:
    rig = Rig({"a": fails(), "b": says("- line 1: no digit\n\nline 2: too long")})
    critique = rig.run(rig.filler.critique(rig.exchange, make_request(), "look", DRAFT))
    assert critique.issues == ("line 1: no digit", "line 2: too long")
    assert critique.endpoint == "b"
    assert [attempt.part for attempt in rig.exchange.attempts] == ["look", "look"]
    assert {invocation.task.operation for invocation in rig.fakes.asked} == {Operation.CRITIQUE}
    assert all(invocation.task.draft is DRAFT for invocation in rig.fakes.asked)
    assert [invocation.last for invocation in rig.fakes.asked] == [False, True]


def test_without_a_critic_the_last_reason_is_told() -> None:
    rig = Rig({"a": fails(), "b": fails()})
    with pytest.raises(Fault) as caught:
        rig.run(rig.filler.critique(rig.exchange, make_request(), "look", DRAFT))
    assert caught.value.reason is Reason.ALL_ENDPOINTS_FAILED
    assert len(rig.exchange.attempts) == 2


def test_a_critique_that_cannot_be_paid_ends_the_search_for_a_critic() -> None:
    rig = Rig({"a": says("OK"), "b": says("OK")}, budget=Budget(max_tokens=1))
    with pytest.raises(Fault) as caught:
        rig.run(rig.filler.critique(rig.exchange, make_request(), "look", DRAFT))
    assert caught.value.reason is Reason.BUDGET_EXHAUSTED
    assert len(rig.exchange.attempts) == 1


@pytest.mark.parametrize("words", ["OK", " ok. ", "\nOK!\n", ""])
def test_a_critic_may_find_nothing(words: str) -> None:
    assert issues_of(words) == ()


def test_a_critique_is_bounded() -> None:
    issues = issues_of("\n".join(["x" * 10_000] * 100))
    assert len(issues) == MAX_ISSUES
    assert {len(issue) for issue in issues} == {MAX_ISSUE_CHARS}
    assert issues_of("OK\nbut slow") == ("OK", "but slow")


def test_a_rejected_candidate_and_its_reasons_go_to_the_next_endpoint_when_asked_for() -> None:
    hole = Hole("x = ", constraints=(DIGITS,))
    for repair, draft in ((False, None), (True, "ab")):
        fakes = Ensemble(VirtualClock(), {"a": says("ab"), "b": says("12")})
        request = make_request(hole=hole, repair=repair)
        answer = run_virtual(fakes.clock, fakes.client.handle(fakes.exchange(request)))
        assert answer.chosen.endpoint == "b"
        first, second = (invocation.task for invocation in fakes.asked)
        assert (first.operation, first.draft) == (Operation.GENERATE, None)
        assert (second.draft and second.draft.text) == draft
        if second.draft is not None:
            assert second.operation is Operation.REPAIR
            assert second.draft.issues == (
                "digits: the fill as a whole does not match the expression",
            )


def test_failed_unit_tests_go_on_down_the_chain_like_a_failed_call() -> None:
    executor = passing_where(lambda source, _: "return 2" in source)
    hole = Hole(
        "def f():\n    return ",
        spec=HoleSpec(language="python"),
        constraints=(Constraint("tests", UnitTests(cases=("assert f() == 2",))),),
    )
    fakes = Ensemble(VirtualClock(), {"a": says("1"), "b": says("2")}, tools=Tools(executor))
    answer = run_virtual(fakes.clock, fakes.client.handle(fakes.exchange(make_request(hole=hole))))
    assert answer.chosen.endpoint == "b"
    assert [attempt.status for attempt in answer.attempts] == [
        AttemptStatus.REJECTED,
        AttemptStatus.OK,
    ]
    assert [candidate.behaviour for candidate in answer.candidates] == [(False,), (True,)]


def test_when_every_candidate_fails_its_tests_the_best_one_is_told() -> None:
    hole = Hole(
        "x = ",
        spec=HoleSpec(language="python"),
        constraints=(Constraint("tests", UnitTests("assert x == 2")),),
    )
    tools = Tools(runs(failing("AssertionError in line 2")))
    fakes = Ensemble(VirtualClock(), {"a": says("1"), "b": says("3")}, tools=tools)
    exchange = fakes.exchange(make_request(hole=hole))
    with pytest.raises(Fault) as caught:
        run_virtual(fakes.clock, fakes.client.handle(exchange))
    assert (caught.value.kind, caught.value.reason) == (
        Kind.UNVERIFIED,
        Reason.ALL_CANDIDATES_REJECTED,
    )
    assert len(exchange.candidates) == 2
    verdict = exchange.candidates[0].verdicts[-1]
    assert verdict.status is VerdictStatus.FAILED
    assert verdict.reason == "the program fails: AssertionError in line 2"


def test_the_tests_have_the_time_that_the_request_has_left() -> None:
    executor = runs()
    hole = Hole(
        "x = ",
        spec=HoleSpec(language="python"),
        constraints=(Constraint("tests", UnitTests("assert True")),),
    )
    fakes = Ensemble(VirtualClock(), {"a": says("1")}, tools=Tools(executor))
    request = make_request(hole=hole)
    run_virtual(fakes.clock, fakes.client.handle(fakes.exchange(request, seconds=5.0)))
    assert 4.0 < executor.times[0] <= 5.0
