"""How many candidates are asked for: until one clears its checks or the choice is decided."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from gateway.core.candidate import Candidate, Completion
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Hole
from gateway.core.policy import Invocation
from gateway.core.ports import Operation
from gateway.ensemble.account import UNLIMITED
from gateway.ensemble.best_of_n import best_of_n
from gateway.ensemble.filler import Filler
from gateway.validation.checks import AWAITED, Checks, NamedCheck
from gateway.validation.finding import PASSED, failed, unchecked
from gateway.validation.forbidden import NonEmpty
from gateway.validation.late import LateFinding
from tests.fakes.ensemble import Ensemble, Step, fails, says
from tests.fakes.virtual import VirtualClock, run_virtual
from tests.unit.ensemble.test_best_of_n import DIGITS, best_of


class Cases:
    """A late check that reads in a text which cases it passes: "101", or "?" for nobody knows."""

    async def find(self, text: str, left_s: float) -> LateFinding:
        if "?" in text:
            return LateFinding(unchecked("not run"))
        behaviour = tuple(letter == "1" for letter in text)
        return LateFinding(PASSED if all(behaviour) else failed("wrong"), behaviour)


NAME = NamedCheck("non_empty", NonEmpty())
GENERATED = NamedCheck("generated", AWAITED, late=Cases())


@dataclass
class Only:
    """A late check without cases: only the texts named pass."""

    texts: tuple[str, ...]

    async def find(self, text: str, left_s: float) -> LateFinding:
        return LateFinding(PASSED if text in self.texts else failed("wrong"))


def writes(*texts: str, cancelled: list[int] | None = None, running: list[int] | None = None):
    """Candidate i says texts[i] after i + 1 seconds; "" fails instead, "..." never ends."""

    async def step(invocation: Invocation) -> Completion:
        index = invocation.task.candidate
        text = texts[index]
        now = running if running is not None else []
        now.append(index)
        try:
            await asyncio.sleep(1e6 if text == "..." else index + 1)
        except asyncio.CancelledError:
            if cancelled is not None:
                cancelled.append(index)
            raise
        finally:
            now.remove(index)
        if not text:
            return await fails()(invocation)
        return Completion(text)

    return step


@dataclass
class Raced:
    chosen: Candidate | Fault
    ensemble: Ensemble
    candidates: list[Candidate]

    @property
    def calls(self) -> int:
        return len(self.ensemble.asked)

    @property
    def text(self) -> str:
        assert isinstance(self.chosen, Candidate)
        return self.chosen.completion.text


def race(
    step: Step, n: int, *late: NamedCheck, in_flight: int = 1, margin: float = 1.0, **fields
) -> Raced:
    """Race for candidates of one endpoint, held against these late checks."""
    clock = VirtualClock()
    ensemble = Ensemble(clock, {"a": step}) if callable(step) else Ensemble(clock, step)
    exchange = ensemble.exchange(best_of(n, **fields), seconds=1e5)

    async def main() -> Candidate:
        filler = Filler(ensemble.client._ensemble, ensemble.client.router, UNLIMITED)
        run = await filler.run(exchange)
        run.in_flight = in_flight
        if late:
            run.checks = Checks((NAME, *late), late=True)
        try:
            return await best_of_n(run, n, margin)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a call outlived the race"

    try:
        chosen = run_virtual(clock, main())
    except Fault as fault:
        chosen = fault
    return Raced(chosen, ensemble, exchange.candidates)


def test_no_more_than_the_configured_number_are_in_flight_and_each_is_replaced_as_it_ends() -> None:
    running: list[int] = []
    most: list[int] = []
    slow = writes("p", "", "q", "r", "s", running=running)

    async def watched(invocation: Invocation) -> Completion:
        try:
            return await slow(invocation)
        finally:
            most.append(len(running) + 1)

    raced = race(watched, 5, in_flight=2)
    assert raced.calls == 5
    # One that failed was replaced too; at the end nobody is left to ask.
    assert most == [2, 2, 2, 2, 1]
    assert len(raced.candidates) == 4


def test_the_first_that_clears_its_checks_saves_the_calls_not_made_yet() -> None:
    step = writes("no", "7", "8", "9")
    raced = race(step, 4, in_flight=1, hole=Hole("x = ", constraints=(DIGITS,)))
    assert raced.text == "7"
    assert raced.calls == 2


def test_a_required_late_check_ends_the_race() -> None:
    cancelled: list[int] = []
    tests = NamedCheck("tests", AWAITED, required=True, late=Only(("right",)))
    raced = race(writes("wrong", "right", "...", cancelled=cancelled), 3, tests, in_flight=3)
    assert raced.text == "right"
    assert cancelled == [2]


def test_to_pass_all_generated_cases_ends_no_race_by_itself() -> None:
    """E-07: degenerate programs pass many generated tests; agreement chose right more often."""
    raced = race(writes("1111", "1110", "1110", "1110"), 4, GENERATED)
    assert raced.calls == 4
    assert raced.text == "1110"


def test_a_required_late_check_ends_the_race_though_advisory_cases_passed_too() -> None:
    tests = NamedCheck("tests", AWAITED, required=True, late=Only(("1111",)))
    raced = race(writes("1110", "1111", "1101", "1101"), 4, GENERATED, tests)
    assert raced.calls == 2
    assert raced.text == "1111"


def test_the_one_that_cleared_everything_wins_over_those_that_agree() -> None:
    """Without a required check the four that agree would have decided it."""
    texts = ["1110", "1110", "1110", "1110", "1111"]
    tests = NamedCheck("tests", AWAITED, required=True, late=Only(("1110", "1111")))
    raced = race(writes(*texts), 5, GENERATED, tests)
    assert (raced.calls, raced.text) == (5, "1111")
    without = race(writes(*texts), 5, GENERATED)
    assert (without.calls, without.text) == (4, "1110")


def test_an_advisory_late_check_without_cases_is_of_substance() -> None:
    types = NamedCheck("types", AWAITED, late=Only(("typed",)))
    raced = race(writes("untyped", "typed", "..."), 3, types)
    assert raced.text == "typed"
    assert raced.calls == 2


def test_what_nobody_ran_ends_no_race() -> None:
    parses = NamedCheck("digits", AWAITED, late=Only(("?", "11")))
    raced = race(writes("?", "11", "10"), 3, GENERATED, parses)
    assert raced.text == "11"


def test_no_more_are_asked_for_when_the_choice_cannot_change() -> None:
    cancelled: list[int] = []
    texts = ["1110", "1110", "1110", "0000", *["1111"] * 6]
    raced = race(writes(*texts), 5, GENERATED)
    # Three with three cases: the two to come reach at most sqrt(2) x 4.
    assert (raced.calls, raced.text) == (4, "1110")
    together = race(writes(*texts[:4], "...", cancelled=cancelled), 5, GENERATED, in_flight=5)
    assert (together.calls, together.text, cancelled) == (5, "1110", [4])


def test_those_that_failed_are_not_still_to_come() -> None:
    raced = race(writes("", "", "1111", "1110"), 4, GENERATED)
    # One to come reaches at most three cases; three could have reached sqrt(3) x 3.
    assert (raced.calls, raced.text) == (3, "1111")


def test_a_smaller_margin_asks_for_less() -> None:
    texts = ["1110", "0000", *["1111"] * 6]
    assert race(writes(*texts), 8, GENERATED).text == "1111"
    hasty = race(writes(*texts), 8, GENERATED, margin=0.0)
    assert (hasty.calls, hasty.text) == (1, "1110")
    calls = [race(writes(*texts), 8, GENERATED, margin=one).calls for one in (0.3, 0.6, 0.9)]
    assert calls == sorted(calls)
    assert calls[0] < calls[-1]


def test_the_choice_is_not_decided_by_cases_of_which_some_never_ran() -> None:
    """More cases than those known so far may be passed by one to come."""
    more = NamedCheck("more", AWAITED, late=Cases())

    class Halfway:
        """The cases of a text before the bar; those behind it are somebody else's."""

        async def find(self, text: str, left_s: float) -> LateFinding:
            return await Cases().find(text.partition("|")[0], left_s)

    class Rest:
        async def find(self, text: str, left_s: float) -> LateFinding:
            return await Cases().find(text.partition("|")[2], left_s)

    halves = (replace(GENERATED, late=Halfway()), replace(more, late=Rest()))
    raced = race(writes("11|?", "11|?", "11|11111111"), 3, *halves)
    assert raced.text == "11|11111111"


def test_every_candidate_is_recorded_with_its_cluster_and_its_utility() -> None:
    raced = race(writes("10", "01", "10", "00"), 4, GENERATED)
    assert [one.cluster for one in raced.candidates] == [0, 1, 0, 2]
    assert [one.utility for one in raced.candidates] == pytest.approx([2**0.5, 1, 2**0.5, 0])
    assert {one.method for one in raced.candidates} == {"validators+tests+agreement"}
    assert raced.chosen in raced.candidates


def test_one_that_came_while_the_race_was_ended_is_recorded_and_considered() -> None:
    """It was paid for: the earlier code dropped it from the record."""

    async def at_once(invocation: Invocation) -> Completion:
        await asyncio.sleep(1)
        return Completion("77" if invocation.task.candidate else "7")

    raced = race(at_once, 2, in_flight=2, hole=Hole("x = ", constraints=(DIGITS,)))
    assert [one.completion.text for one in raced.candidates] == ["7", "77"]
    assert raced.text == "7"


def test_faults_of_single_candidates_do_not_end_the_race() -> None:
    raced = race(writes("", "110", "", "110", "000"), 5, GENERATED)
    assert raced.calls == 5
    assert raced.text == "110"


def test_those_that_run_may_still_end_well_when_no_other_call_can_help() -> None:
    final = fails(Kind.DEADLINE, origin=Origin.US, reason=Reason.DEADLINE_EXCEEDED)
    slow = writes("", "q")

    async def step(invocation: Invocation) -> Completion:
        return await (slow if invocation.task.candidate else final)(invocation)

    raced = race(step, 9, in_flight=2)
    assert raced.calls == 2
    assert raced.text == "q"


def test_all_refused_leaves_a_rated_record_and_a_draft_to_repair() -> None:
    tests = NamedCheck("tests", AWAITED, required=True, late=Cases())
    rest: list[Invocation] = []

    async def repairs(invocation: Invocation) -> Completion:
        rest.append(invocation)
        return Completion("11")

    steps = {"a": writes("00", "10"), "b": writes("00", "10"), "c": repairs}
    raced = race(steps, 2, tests, in_flight=2, repair=True)
    assert raced.text == "11"
    (repair,) = rest
    assert repair.task.operation is Operation.REPAIR
    assert repair.task.draft is not None
    assert (repair.task.draft.text, repair.task.draft.issues) == ("10", ("tests: wrong",))
    assert [one.utility for one in raced.candidates] == [0, 1, None]


def test_without_repair_the_endpoints_not_asked_start_anew() -> None:
    tests = NamedCheck("tests", AWAITED, required=True, late=Cases())
    raced = race({"a": says("00"), "b": says("10"), "c": says("11")}, 2, tests, in_flight=2)
    assert raced.text == "11"
    assert raced.ensemble.asked[-1].task.draft is None
