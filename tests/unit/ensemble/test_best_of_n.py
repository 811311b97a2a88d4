from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus, Completion
from gateway.core.constraint import Constraint, Regex
from gateway.core.events import Delta
from gateway.core.faults import Kind, Reason
from gateway.core.hole import Budget, Hole, Sampling, Strategy
from gateway.core.policy import Invocation
from tests.fakes.ensemble import Ensemble, fails, hangs, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.unit.ensemble.test_sequential import ask, asked

DIGITS = Constraint("digits", Regex("[0-9]+"))


def best_of(n: int, *, hole: Hole | None = None, **fields):
    hole = hole or Hole("x = ")
    return make_request(hole=hole, strategy=Strategy.BEST_OF_N, n=n, **fields)


def test_candidates_are_spread_over_endpoints_seeds_and_temperatures() -> None:
    """E-07 ✗: the earlier best-of-N sent N identical requests to one endpoint."""
    answer, _, ensemble = ask({"a": says("p"), "b": says("q"), "c": says("r")}, request=best_of(5))
    assert sorted(asked(ensemble)) == ["a", "a", "b", "b", "c"]
    draws = {
        (i.task.endpoint.name, i.task.sampling.seed, i.task.sampling.temperature)
        for i in ensemble.asked
    }
    assert len(draws) == 5
    assert [candidate.index for candidate in answer.candidates] == [0, 1, 2, 3, 4]
    assert len(answer.attempts) == 5


def test_the_first_verified_candidate_wins_and_losers_are_cancelled_and_recorded() -> None:
    cancelled: list[str] = []
    answer, _, ensemble = ask(
        {"a": hangs(cancelled=cancelled), "b": says("12"), "c": hangs(cancelled=cancelled)},
        request=best_of(3, hole=Hole("x = ", constraints=(DIGITS,))),
    )
    assert answer.chosen.endpoint == "b"
    assert sorted(cancelled) == ["a", "c"]
    status = {attempt.endpoint: attempt.status for attempt in answer.attempts}
    assert status == {
        "a": AttemptStatus.CANCELLED,
        "b": AttemptStatus.OK,
        "c": AttemptStatus.CANCELLED,
    }
    assert all(endpoint.in_flight == 0 for endpoint in ensemble.fleet.read().endpoints)


def test_without_a_real_check_all_are_awaited_and_the_likeliest_wins() -> None:
    answer, _, _ = ask(
        {
            "a": says("p", logprobs=(-3.0,)),
            "b": says("q", logprobs=(-0.1,)),
            "c": says("r", logprobs=(-2.0,)),
        },
        request=best_of(3),
    )
    assert answer.chosen.endpoint == "b"
    assert "logprob" in answer.chosen.method


def test_failures_are_dropped_and_survivors_chosen_from() -> None:
    answer, _, _ = ask({"a": fails(), "b": says("q"), "c": fails()}, request=best_of(3))
    assert answer.chosen.endpoint == "b"


def test_a_refused_candidate_never_beats_an_accepted_one() -> None:
    answer, _, _ = ask(
        {"a": says("no", logprobs=(-0.01,)), "b": says("7", logprobs=(-5.0,))},
        request=best_of(2, hole=Hole("x = ", constraints=(DIGITS,))),
    )
    assert answer.chosen.completion.text == "7"


def test_all_refused_is_unverified() -> None:
    fault, _, _ = ask(
        {"a": says("no"), "b": says("nope")},
        request=best_of(2, hole=Hole("x = ", constraints=(DIGITS,))),
    )
    assert fault.kind is Kind.UNVERIFIED


def test_when_all_calls_fail_the_endpoints_not_asked_are_tried_in_turn() -> None:
    """E-07 ✗: the earlier best-of-N bypassed the fallback chain."""
    answer, _, ensemble = ask({"a": fails(), "b": fails(), "c": says("r")}, request=best_of(2))
    assert answer.chosen.endpoint == "c"
    assert ensemble.fleet.read().ensemble.fallback_used == 1


def test_when_all_are_refused_the_endpoints_not_asked_are_tried_in_turn() -> None:
    answer, _, _ = ask(
        {"a": says("no"), "b": says("nope"), "c": says("7")},
        request=best_of(2, hole=Hole("x = ", constraints=(DIGITS,))),
    )
    assert answer.chosen.endpoint == "c"
    assert [candidate.index for candidate in answer.candidates] == [0, 1, 2]


def test_every_candidate_counts_in_the_metrics() -> None:
    """E-07 ✗: the earlier best-of-N bypassed the metrics."""
    _, _, ensemble = ask({"a": says("p"), "b": fails(), "c": says("r")}, request=best_of(3))
    metrics = ensemble.fleet.read()
    assert metrics.ensemble.attempts == 3
    lifetimes = [endpoint.lifetime for endpoint in metrics.endpoints]
    assert [one.successes for one in lifetimes] == [1, 0, 1]
    assert [one.failures for one in lifetimes] == [0, 1, 0]
    assert [one.judged for one in lifetimes] == [1, 0, 1]


def test_when_everybody_fails_so_does_the_request() -> None:
    fault, _, _ = ask({"a": fails(), "b": fails()}, request=best_of(2))
    assert fault.reason is Reason.ALL_ENDPOINTS_FAILED


def test_a_configured_n_is_honoured() -> None:
    """E-07 ✗: config.best_of_n was never read."""
    _, _, ensemble = ask({"a": says("p"), "b": says("q")}, best_of_n=2)
    assert asked(ensemble) == ["a", "b"]


@pytest.mark.parametrize(("n", "calls"), [(1, 1), (None, 3)])
def test_n_of_one_is_one_call_and_no_n_is_the_default(n, calls) -> None:
    _, _, ensemble = ask(
        {"a": says("p"), "b": says("q"), "c": says("r")},
        request=make_request(strategy=Strategy.BEST_OF_N, n=n),
    )
    assert len(ensemble.asked) == calls


def test_a_fixed_temperature_and_seed_give_different_seeds_only() -> None:
    _, _, ensemble = ask(
        {"a": says("p"), "b": says("q")},
        request=best_of(2, sampling=Sampling(temperature=0.2, seed=7)),
    )
    assert {i.task.sampling.temperature for i in ensemble.asked} == {0.2}
    assert len({i.task.sampling.seed for i in ensemble.asked}) == 2


def test_a_streamed_best_of_n_sends_the_chosen_text_once() -> None:
    answer, _, ensemble = ask({"a": says("p"), "b": says("q")}, request=best_of(2), stream=True)
    deltas = [event for event in ensemble.events if isinstance(event, Delta)]
    assert [delta.text for delta in deltas] == [answer.chosen.completion.text]


def test_a_bug_in_one_candidate_cancels_the_others() -> None:
    cancelled: list[str] = []

    async def bug(_: Invocation) -> Completion:
        await asyncio.sleep(0)
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        ask({"a": bug, "b": hangs(cancelled=cancelled)}, request=best_of(2))
    assert cancelled == ["b"]


def test_when_the_budget_is_over_nobody_else_is_asked() -> None:
    answer, _, ensemble = ask(
        {"a": says("p")}, request=best_of(9, budget=Budget(max_attempts=2)), in_flight=2
    )
    assert len(ensemble.asked) == 2
    assert len(answer.candidates) == 2
    # The two that took the places of the first two; the other five were not tried.
    assert [one.reason for one in answer.attempts].count(Reason.BUDGET_EXHAUSTED) == 2


def test_a_caller_that_leaves_cancels_every_candidate() -> None:
    clock = VirtualClock()
    cancelled: list[str] = []

    async def main() -> None:
        started = asyncio.Event()
        ensemble = Ensemble(clock, {"a": hangs(started, cancelled)})
        task = asyncio.ensure_future(ensemble.client.generate(best_of(3), timeout_s=5))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(clock, main())
    assert cancelled == ["a"] * 3
