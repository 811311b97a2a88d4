"""Stopping an arm that does harm, by a test that may be looked at at any time: B-01."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from gateway.core.experiments import Arm, Experiment, GuardRail
from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.guardrail import (
    LARGEST_LOG,
    ExperimentCounts,
    Verdict,
    nothing_counted,
    verdicts,
    with_exposures,
    with_outcomes,
)
from tests.fakes.logged import event, reviewed

CONTROL, NEW = Arm("control", control=True), Arm("new")
EXPERIMENT = Experiment("e", "e", (CONTROL, NEW), share=1.0, guard_rail=GuardRail(alpha=0.05))
NOTHING = nothing_counted(EXPERIMENT)

ALPHA = 0.05
RUNS, LOOKS = 200, 120


def outcome(arm: str, quality: float | None) -> Reviewed:
    return reviewed(quality=quality, arms=(("e", arm),))


def drawn(draw: Random, means: dict[str, float], count: int) -> list[Reviewed]:
    """Outcomes 1 or 0 in arms drawn evenly."""
    names = [draw.choice(["control", "new"]) for _ in range(count)]
    return [outcome(name, float(draw.random() < means[name])) for name in names]


def stopped_at(rows: list[Reviewed], experiment: Experiment = EXPERIMENT) -> int | None:
    """Look after every outcome; return after how many the arm was stopped."""
    counts = nothing_counted(experiment)
    for number, row in enumerate(rows, 1):
        counts = with_outcomes(counts, [row])
        if verdicts(counts)[0].verdict is Verdict.STOP_HARM:
            return number
    return None


def z_stopped(rows: list[Reviewed]) -> bool:
    """The defective rule: a test for one fixed number of samples, looked at after every one."""
    sums = {"control": [0.0, 0], "new": [0.0, 0]}
    for row in rows:
        arm = sums[row.event.arms[0][1]]
        arm[0] += row.reports["weak"].quality or 0.0
        arm[1] += 1
        (theirs, n), (ours, m) = sums["control"], sums["new"]
        if min(n, m) < 10:
            continue
        pooled = (theirs + ours) / (n + m)
        error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        if error and (ours / m - theirs / n) / error < -1.645:
            return True
    return False


def test_looking_all_the_time_stops_harmless_arms_no_oftener_than_alpha() -> None:
    """Regression of the guard rail of B-01: a z-test looked at again and again stops more."""
    draw = Random(7)
    logs = [drawn(draw, {"control": 0.7, "new": 0.7}, LOOKS) for _ in range(RUNS)]
    assert sum(z_stopped(rows) for rows in logs) / RUNS > 2 * ALPHA
    sharp = replace(EXPERIMENT, guard_rail=GuardRail(0.0, 0.0, ALPHA))
    assert sum(stopped_at(rows, sharp) is not None for rows in logs) / RUNS <= ALPHA


def test_an_arm_at_the_very_margin_does_no_harm() -> None:
    draw = Random(11)
    logs = [drawn(draw, {"control": 0.9, "new": 0.8}, LOOKS) for _ in range(60)]
    wide = replace(EXPERIMENT, guard_rail=GuardRail(0.1, 0.1, ALPHA))
    assert sum(stopped_at(rows, wide) is not None for rows in logs) / 60 <= ALPHA


def test_harm_of_0_3_is_stopped_within_500_outcomes() -> None:
    draw = Random(3)
    times = [stopped_at(drawn(draw, {"control": 0.8, "new": 0.5}, 500)) for _ in range(20)]
    assert None not in times
    assert sorted(time for time in times if time)[10] < 250


def test_a_better_arm_is_never_stopped() -> None:
    rows = drawn(Random(5), {"control": 0.5, "new": 0.8}, 400)
    assert stopped_at(rows) is None


def test_harm_to_quality_is_found_where_nothing_fails() -> None:
    draw = Random(2)
    rows = [outcome("control", draw.uniform(0.7, 0.9)) for _ in range(200)]
    rows += [outcome("new", draw.uniform(0.3, 0.5)) for _ in range(200)]
    (found,) = verdicts(with_outcomes(NOTHING, rows))
    assert found.verdict is Verdict.STOP_HARM
    assert "its quality is lower by more than 0.02" in found.words
    assert "0.0% failed" in found.words


def test_harm_by_failures_is_found_where_quality_may_fall() -> None:
    tolerant = replace(EXPERIMENT, guard_rail=GuardRail(margin=0.9))
    rows = [outcome("control", 1.0)] * 200 + [outcome("new", 1.0), outcome("new", 0.0)] * 100
    (found,) = verdicts(with_outcomes(nothing_counted(tolerant), rows))
    assert found.verdict is Verdict.STOP_HARM
    assert "its share of failures is higher by more than 0.02" in found.words
    assert "mean 0.500, 50.0% failed, 200 known" in found.words


def test_an_arm_is_compared_only_while_both_arms_have_outcomes() -> None:
    for rows in ([outcome("new", 0.0)] * 500, [outcome("control", 1.0)] * 500):
        (found,) = verdicts(with_outcomes(NOTHING, rows))
        assert found.verdict is Verdict.CONTINUE
        assert found.evidence <= 1
        assert "no harm beyond doubt" in found.words


def test_evidence_never_overflows() -> None:
    rows = [outcome("control", 1.0)] * 1500 + [outcome("new", 0.0)] * 1500
    (found,) = verdicts(with_outcomes(NOTHING, rows))
    assert found.evidence == pytest.approx(math.exp(LARGEST_LOG))


def test_the_order_in_which_outcomes_come_does_not_matter() -> None:
    rows = drawn(Random(4), {"control": 0.8, "new": 0.6}, 200)
    (forward,) = verdicts(with_outcomes(NOTHING, rows))
    (backward,) = verdicts(with_outcomes(with_outcomes(NOTHING, rows[120:]), rows[:120]))
    assert forward.evidence == pytest.approx(backward.evidence)


def counted(rows: list[Reviewed], experiment: Experiment = EXPERIMENT) -> ExperimentCounts:
    exposed = with_exposures(nothing_counted(experiment), (row.event for row in rows))
    return with_outcomes(exposed, rows)


def test_exposures_outcomes_and_failures_are_counted_by_arm() -> None:
    rows = [outcome("new", 0.5), outcome("new", 0.0), outcome("new", None), outcome("control", 1.0)]
    found = counted(rows).arms
    new, control = found["new"], found["control"]
    assert (new.exposures, new.labelled, new.failures, new.mean_quality) == (3, 2, 1, 0.25)
    assert (control.exposures, control.labelled, control.failures) == (1, 1, 0)
    assert NOTHING.arms["new"].mean_quality is None


def test_decisions_of_others_are_passed_over() -> None:
    rows = [
        reviewed(quality=1.0),
        reviewed(quality=1.0, arms=(("other", "new"),)),
        reviewed(quality=1.0, arms=(("e", "removed"),)),
    ]
    found = counted(rows)
    assert all(count.exposures == count.labelled == 0 for count in found.arms.values())


@pytest.mark.parametrize("quality", [math.nan, math.inf, -0.1, 1.1])
def test_an_impossible_outcome_is_skipped_and_counted(quality: float) -> None:
    found = counted([outcome("new", quality), outcome("new", 1.0)])
    assert found.skipped == 1
    assert found.arms["new"].mean_quality == 1


def test_a_report_that_names_no_endpoint_is_about_the_chosen_one() -> None:
    row = Reviewed(event(arms=(("e", "new"),)), {"": OutcomeReport("d", accepted=True)})
    assert counted([row]).arms["new"].quality == 1


def test_a_shadow_arm_answers_nothing_so_it_is_not_judged() -> None:
    """B-02: it runs and logs what it would have chosen."""
    shadow = replace(EXPERIMENT, arms=(CONTROL, Arm("new", shadow=True)))
    rows = [
        reviewed(chosen, arms=(("e", "new"),), shadows=(("e", "new", "weak"), ("f", "x", "y")))
        for chosen in ("weak", "weak", "strong")
    ]
    found = counted(rows, shadow)
    new = found.arms["new"]
    assert (new.exposures, new.shadowed, new.agreed) == (3, 3, 2)
    assert verdicts(found) == ()


def test_without_a_control_arm_nothing_is_judged() -> None:
    lone = replace(EXPERIMENT, arms=(NEW,))
    rows = [outcome("new", 0.0)] * 3
    found = counted(rows, lone)
    assert verdicts(found) == ()
    assert found.arms["new"].failures == 3
