"""Questions are answered once, in time, by whom they were asked; counts are copies."""

from __future__ import annotations

from itertools import count

from gateway.core.control import (
    Command,
    ControlOutcome,
    ControlResult,
    Effect,
    JobKind,
    Resolution,
    Wanted,
)
from gateway.state.control_counts import MOST_TENANTS, Confirmed, ControlCounts, TenantCounts
from gateway.state.questions import MOST, Question, Questions
from tests.fakes.virtual import VirtualClock


def questions(clock: VirtualClock) -> Questions:
    numbers = count()
    return Questions(300.0, clock, lambda: f"token-{next(numbers)}")


def question(tenant: str = "red") -> Question:
    return Question(tenant, "s", Wanted(Command.STOP), ())


def test_a_question_waits_for_its_tenant_until_it_is_answered() -> None:
    """Q-09: the pending question was stored, and no consumer was found."""
    waiting = questions(VirtualClock())
    token = waiting.ask(question())
    assert waiting.look("blue", token) is None
    assert waiting.look("red", token) == question()
    waiting.answered(token)
    assert waiting.look("red", token) is None


def test_a_question_is_too_old_after_its_time() -> None:
    clock = VirtualClock()
    waiting = questions(clock)
    token = waiting.ask(question())
    clock.now += 299
    assert waiting.look("red", token) is not None
    clock.now += 1
    assert waiting.look("red", token) is None
    assert len(waiting) == 0


def test_the_oldest_question_is_given_up_for_a_newer_one() -> None:
    waiting = questions(VirtualClock())
    first = waiting.ask(question())
    for _ in range(MOST):
        last = waiting.ask(question())
    assert len(waiting) == MOST
    assert waiting.look("red", first) is None
    assert waiting.look("red", last) is not None


def result(outcome: ControlOutcome, *, confidence: float = 0.5) -> ControlResult:
    found = Resolution(outcome, confidence=confidence)
    if outcome is ControlOutcome.UNRECOGNIZED:
        return ControlResult(outcome, None, found)
    effect = Effect("job-1", JobKind.BATCH, "paused")
    return ControlResult(outcome, Wanted(Command.PAUSE), found, (effect,))


def test_commands_are_counted_by_outcome_command_and_kind() -> None:
    """Q-13: per-command numbers were never filled, and the copy was the live object."""
    counts = ControlCounts(slow_ms=5.0)
    empty = counts.read()
    counts.count(result(ControlOutcome.DONE), 0.004)
    counts.count(result(ControlOutcome.DONE), 0.006)
    counts.count(result(ControlOutcome.UNRECOGNIZED, confidence=0.0), 0.002)
    counts.confirmed(Confirmed("stop", ("batch",), "batch"))
    read = counts.read()
    assert read.total == 3
    assert dict(read.by_outcome) == {"done": 2, "unrecognized": 1}
    assert read.by_command == (("pause", 2),)
    assert read.by_kind == (("batch", 2),)
    assert (read.slow, round(read.mean_ms, 6), read.max_ms) == (1, 4.0, 6.0)
    assert read.confidences == (0.5, 0.5, 0.0)
    assert read.confirmed[0].chosen == "batch"
    assert (empty.total, empty.mean_ms, empty.confidences) == (0, 0.0, ())


def test_the_last_hundred_confidences_are_kept() -> None:
    counts = ControlCounts(slow_ms=5.0)
    for number in range(150):
        counts.count(result(ControlOutcome.DONE, confidence=number / 1000), 0.0)
    assert counts.read().confidences == tuple(number / 1000 for number in range(50, 150))


def test_each_tenant_has_counts_of_its_own_and_the_one_not_heard_of_gives_way() -> None:
    counts = TenantCounts(slow_ms=5.0)
    for tenant in ("red", "blue"):
        counts.of(tenant).count(result(ControlOutcome.DONE), 0.0)
    assert counts.of("red").read().total == 1
    for number in range(MOST_TENANTS - 1):
        counts.of(f"tenant-{number}")
    assert counts.of("red").read().total == 1
    assert counts.of("blue").read().total == 0
