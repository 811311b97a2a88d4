"""`request.repair`: what was wrong with a candidate goes to the next endpoint (issue item 5)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.answer import Answer
from gateway.core.candidate import AttemptStatus
from gateway.core.constraint import Constraint, ForbiddenText
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Hole, HoleSpec, Request
from gateway.core.ports import Draft, Operation
from gateway.ensemble.account import UNLIMITED
from gateway.ensemble.filler import Critique, Filler
from gateway.ensemble.hold import Boundary, HoldSettings
from tests.fakes.ensemble import Ensemble, Step, fails, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

NO_EVAL = Constraint("no_eval", ForbiddenText(("eval",)))
NO_EXEC = Constraint("no_exec", ForbiddenText(("exec",)))
HOLE = Hole("x = ", "\n", HoleSpec(language="python"), (NO_EVAL, NO_EXEC))
REFUSES = fails(
    Kind.INVALID, origin=Origin.CALLER, reason=Reason.UPSTREAM_REFUSED_REQUEST
)  # what the adapters make of an operation that an endpoint does not offer


def ask(
    steps: dict[str, Step], *, repair: bool = True, stream: bool = False, **settings: Any
) -> tuple[Answer, list[tuple[str, Operation, Draft | None]]]:
    clock = VirtualClock()
    ensemble = Ensemble(clock, steps, **settings)
    request = make_request(hole=HOLE, repair=repair)
    exchange = ensemble.exchange(request, stream=stream)
    answer = run_virtual(clock, ensemble.client.handle(exchange))
    tasks = [invocation.task for invocation in ensemble.asked]
    return answer, [(task.endpoint.name, task.operation, task.draft) for task in tasks]


def counted(ensemble: Ensemble, name: str) -> tuple[int, int, int]:
    """Successes, failures and attempts that count as neither."""
    (of,) = (one.lifetime for one in ensemble.fleet.read().endpoints if one.endpoint == name)
    return of.successes, of.failures, of.not_counted


def test_the_next_endpoint_is_asked_to_repair_what_failed_with_the_reasons() -> None:
    answer, asked = ask({"a": says("eval(y)"), "b": says("y")})
    assert answer.chosen.endpoint == "b"
    (_, first, none), (_, then, draft) = asked
    assert (first, none, then) == (Operation.GENERATE, None, Operation.REPAIR)
    assert draft is not None
    assert draft.text == "eval(y)"
    (issue,) = draft.issues
    assert issue.startswith("no_eval: ")
    assert "no_exec" not in issue


def test_without_repair_the_next_endpoint_starts_anew() -> None:
    _, asked = ask({"a": says("eval(y)"), "b": says("y")}, repair=False)
    assert asked == [("a", Operation.GENERATE, None), ("b", Operation.GENERATE, None)]


def test_each_endpoint_is_given_the_candidate_that_failed_last() -> None:
    _, asked = ask({"a": says("eval(1)"), "b": says("exec(2)"), "c": says("y")})
    drafts = [draft for _, _, draft in asked if draft is not None]
    assert [draft.text for draft in drafts] == ["eval(1)", "exec(2)"]
    assert [draft.issues[0].partition(":")[0] for draft in drafts] == ["no_eval", "no_exec"]


def test_a_failed_call_in_between_loses_no_draft() -> None:
    _, asked = ask({"a": says("eval(1)"), "b": fails(), "c": says("y")})
    assert [operation for _, operation, _ in asked] == [
        Operation.GENERATE,
        Operation.REPAIR,
        Operation.REPAIR,
    ]
    assert asked[1][2] == asked[2][2]


def test_a_failed_call_alone_gives_nothing_to_repair() -> None:
    _, asked = ask({"a": fails(), "b": says("y")})
    assert asked[1] == ("b", Operation.GENERATE, None)


def test_an_advisory_failure_is_repaired_too() -> None:
    answer, asked = ask({"a": says("(("), "b": says("(1)")})
    assert answer.chosen.endpoint == "b"
    draft = asked[1][2]
    assert draft is not None
    assert draft.issues[0].startswith("syntax: ")


def test_an_endpoint_that_cannot_repair_is_passed_over_and_counted_neither_way() -> None:
    clock = VirtualClock()
    ensemble = Ensemble(clock, {"a": says("eval(1)"), "b": REFUSES, "c": says("y")})
    exchange = ensemble.exchange(make_request(hole=HOLE, repair=True))
    answer = run_virtual(clock, ensemble.client.handle(exchange))
    assert answer.chosen.endpoint == "c"
    assert [attempt.status for attempt in answer.attempts] == [
        AttemptStatus.REJECTED,
        AttemptStatus.FAILED,
        AttemptStatus.OK,
    ]
    assert counted(ensemble, "b") == (0, 0, 1)


def test_text_that_was_streamed_is_never_repaired() -> None:
    """What the caller has read cannot be taken back."""
    _, asked = ask({"a": says("(("), "b": says("y")}, stream=True, hold=HoldSettings(Boundary.NONE))
    assert [name for name, _, _ in asked] == ["a"]


def test_a_candidate_that_was_held_back_is_repaired_within_a_stream() -> None:
    answer, asked = ask({"a": says("eval(y)"), "b": says("y")}, stream=True)
    assert answer.chosen.endpoint == "b"
    assert asked[1][1] is Operation.REPAIR


def criticise(steps: dict[str, Step]) -> tuple[Critique | Fault, Exchange, Ensemble]:
    clock = VirtualClock()
    ensemble = Ensemble(clock, steps)
    request: Request = make_request(hole=HOLE)
    exchange = ensemble.exchange(request)
    client = ensemble.client
    filler = Filler(client._ensemble, client.router, UNLIMITED)

    async def critique() -> Critique | Fault:
        try:
            return await filler.critique(exchange, request, "review", Draft("eval(y)"))
        except Fault as fault:
            return fault

    return run_virtual(clock, critique()), exchange, ensemble


def test_a_critique_goes_on_to_an_endpoint_that_offers_it() -> None:
    found, exchange, ensemble = criticise({"a": REFUSES, "b": says("line 1: calls eval\n")})
    assert isinstance(found, Critique)
    assert (found.issues, found.endpoint) == (("line 1: calls eval",), "b")
    assert {invocation.task.operation for invocation in ensemble.asked} == {Operation.CRITIQUE}
    assert [attempt.part for attempt in exchange.attempts] == ["review", "review"]
    assert counted(ensemble, "a") == (0, 0, 1)


def test_where_no_endpoint_offers_a_critique_asking_again_is_not_advised() -> None:
    found, _, _ = criticise({"a": REFUSES, "b": REFUSES})
    assert isinstance(found, Fault)
    assert (found.kind, found.retry_after_s) == (Kind.INVALID, None)


@pytest.mark.parametrize("words", ["OK", "ok.", "  OK!\n"])
def test_a_reviewer_who_finds_nothing_names_no_issue(words: str) -> None:
    found, _, _ = criticise({"a": says(words)})
    assert isinstance(found, Critique)
    assert found.issues == ()
