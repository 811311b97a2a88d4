"""Judging a policy by logged decisions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.evaluation.estimators import Estimate
from gateway.learning.evaluation.measured import Measured
from gateway.learning.evaluation.policy_value import PolicyValue, evaluate
from gateway.learning.policies import AlwaysPolicy, GainPolicy, Policy, TaskPolicy
from tests.fakes.logged import event, reported, reviewed

STRONG, WEAK, LOGGED = AlwaysPolicy("strong"), AlwaysPolicy("weak"), TaskPolicy()

QUALITY = {("hard", "weak"): 0.2, ("hard", "strong"): 0.8, ("easy", "weak"): 0.9}
QUALITY["easy", "strong"] = 0.85
BY_TASK = TaskPolicy((("hard", "strong"),), "weak")
TRUE_VALUE = (0.8 + 0.9) / 2
"""Of `BY_TASK`, half of the requests being hard."""

TRUE_GAIN = TRUE_VALUE - (0.7 * 0.2 + 0.3 * 0.8 + 0.4 * 0.9 + 0.6 * 0.85) / 2
"""Over the log of `mostly_weak`."""


def judged(
    rows: list[Reviewed], policy: Policy = STRONG, level: float = 0.95, seed: int = 0
) -> PolicyValue:
    return evaluate(rows, policy, rng=np.random.default_rng(seed), level=level)


def measured(rows: list[Reviewed], policy: Policy = STRONG) -> Measured:
    found = judged(rows, policy).measured
    assert found is not None
    return found


def drawn(
    count: int, seed: int, weak: Callable[[str], float], *, estimates: bool = False
) -> list[Reviewed]:
    """A log in which `weak` is drawn with a probability that depends on the kind of task."""
    draw = np.random.default_rng(seed)
    rows: list[Reviewed] = []
    for _ in range(count):
        task = "hard" if draw.random() < 0.5 else "easy"
        share = weak(task)
        chosen = "weak" if draw.random() < share else "strong"
        quality = float(draw.random() < QUALITY[task, chosen])
        logged = tuple((name, QUALITY[task, name]) for name in ("weak", "strong"))
        rows.append(
            reviewed(
                chosen,
                quality,
                task=task,
                propensities=(("weak", share), ("strong", 1 - share)),
                estimates=logged if estimates else (),
            )
        )
    return rows


def mostly_weak(task: str) -> float:
    return 0.7 if task == "hard" else 0.4


@pytest.mark.parametrize("estimates", [False, True])
def test_intervals_of_every_method_cover_the_true_value(*, estimates: bool) -> None:
    covered = dict.fromkeys(("ips", "snips", "doubly_robust", "gain"), 0)
    for seed in range(60):
        found = measured(drawn(400, seed, mostly_weak, estimates=estimates), BY_TASK)
        for method, one in found.estimates:
            covered[method] += one.low <= TRUE_VALUE <= one.high
        covered["gain"] += found.gain.low <= TRUE_GAIN <= found.gain.high
    assert min(covered.values()) >= 0.9 * 60


def test_the_doubly_robust_interval_is_the_narrowest_where_predictions_are_good() -> None:
    found = measured(drawn(2000, 1, mostly_weak, estimates=True), BY_TASK)
    widths = {method: one.high - one.low for method, one in found.estimates}
    assert widths["doubly_robust"] < widths["snips"] < widths["ips"]


def test_the_verdict_says_which_is_better() -> None:
    rows = drawn(2000, 1, mostly_weak)
    better, worse = judged(rows, BY_TASK), judged(rows, WEAK)
    assert better.supported
    assert better.verdict.startswith("the policy is better than what was done: mean quality 0.8")
    assert worse.verdict.startswith("the policy is worse than what was done")
    alike = [reviewed(name, quality) for name in ("weak", "strong") for quality in (0.0, 1.0)]
    assert "neither better nor worse beyond doubt" in judged(alike * 100).verdict


def test_the_logged_policy_earns_exactly_what_was_earned() -> None:
    rows = drawn(300, 5, mostly_weak)
    mean = sum(row.reports[row.event.chosen].quality or 0.0 for row in rows) / 300
    found = judged(rows, LOGGED)
    assert found.measured is not None
    for _, one in found.measured.estimates:
        assert one.mean == pytest.approx(mean, abs=1e-12)
        assert one.low == pytest.approx(found.measured.logged.low, abs=1e-12)
    assert found.measured.gain == Estimate(0.0, 0.0, 0.0)
    assert found.measured.effective_size == pytest.approx(300)
    assert found.verdict.startswith("the policy earns what was earned")


def test_a_choice_that_the_log_could_not_make_biases_ips_and_the_verdict_says_so() -> None:
    """Hard tasks never went to `strong`: nothing in the log tells what it would have earned."""
    found = judged(drawn(1000, 2, lambda task: 1.0 if task == "hard" else 0.5), STRONG)
    assert found.measured is not None
    assert found.measured.ips.high < (0.8 + 0.85) / 2
    assert found.support == pytest.approx(0.5, abs=0.05)
    assert not found.supported
    assert found.verdict.startswith("the log cannot support an answer: only ")
    assert "could have been made by the log, 90% are needed" in found.verdict


def test_the_verdict_tells_of_the_few_choices_that_the_log_could_not_make() -> None:
    sure = reviewed("weak", 0.5, propensities=(("weak", 1.0),))
    found = judged([sure] * 20 + [reviewed("strong", 0.5), reviewed("weak", 0.5)] * 190)
    assert found.supported
    assert found.verdict.endswith("; 5.0% of its choices rest on predictions alone")


def test_a_deterministic_log_says_nothing_about_another_policy() -> None:
    rows = [reviewed("weak", 1.0, propensities=(("weak", 1.0),))] * 500
    found = judged(rows, STRONG)
    assert not found.supported
    assert "all of its 500 decisions were deterministic and the policy differs in 500" in (
        found.verdict
    )
    assert found.measured is not None
    assert found.measured.snips is None
    assert judged(rows, WEAK).supported


def test_few_decisions_are_no_answer() -> None:
    found = judged([reviewed("strong", 1.0)] * 60 + [reviewed("weak", 1.0)] * 60, STRONG)
    assert found.verdict == (
        "the log cannot support an answer: 120 decisions are worth 60.0 under the policy, "
        "100 are needed"
    )


def test_heavy_weights_are_cut_and_the_cut_is_reported() -> None:
    rare = reviewed("strong", 1.0, propensities=(("weak", 0.999), ("strong", 0.001)))
    rows = [rare] * 2 + [reviewed("strong", 0.0), reviewed("weak", 0.0)] * 199
    found = judged(rows, STRONG)
    assert found.measured is not None
    assert found.measured.clip == 20
    assert found.measured.clipped == 2
    assert found.measured.ips.mean == pytest.approx(2 * 20 / 400)


def test_a_verdict_tells_of_weights_that_were_cut() -> None:
    rare = reviewed("strong", 1.0, propensities=(("weak", 0.99), ("strong", 0.01)))
    found = judged([rare] + [reviewed("strong", 0.5), reviewed("weak", 0.0)] * 800, STRONG)
    assert found.supported
    assert found.verdict.endswith("; 1 weights were cut at 40.0")


def test_an_interval_stays_open_where_all_rewards_are_equal() -> None:
    found = measured([reviewed("strong", 1.0)] * 200, LOGGED)
    assert found.ips.low < found.ips.mean == 1.0


def test_a_higher_level_gives_a_wider_interval() -> None:
    rows = drawn(300, 1, mostly_weak)
    wide, narrow = judged(rows, level=0.99).measured, judged(rows, level=0.9).measured
    assert wide is not None
    assert narrow is not None
    assert wide.ips.low < narrow.ips.low < narrow.ips.high < wide.ips.high


def test_what_every_endpoint_did_is_used_as_it_is() -> None:
    """Full feedback: nothing is weighted, and even a deterministic log gives an answer."""
    rows = [
        reported({"weak": 0.2, "strong": 0.7}, "weak", propensities=(("weak", 1.0),))
        for _ in range(150)
    ]
    found = judged(rows, STRONG)
    assert found.known_share == 1
    assert found.support == 1
    assert found.supported
    assert found.measured is not None
    assert {method: one.mean for method, one in found.measured.estimates} == pytest.approx(
        dict.fromkeys(("ips", "snips", "doubly_robust", "direct"), 0.7)
    )
    assert found.measured.logged.mean == pytest.approx(0.2)


def test_the_direct_estimate_is_over_those_of_which_all_is_known() -> None:
    known = [reported({"weak": 0.0, "strong": 1.0})] * 50
    found = judged(known + [reviewed("strong", 0.0)] * 150)
    assert found.known_share == 0.25
    assert found.measured is not None
    assert found.measured.direct is not None
    assert found.measured.direct.mean == 1.0


@pytest.mark.parametrize(
    "row",
    [
        reported({"weak": 0.0, "strong": 1.0}, source="gateway"),
        reported({"weak": 0.0, "strong": math.nan}),
        reviewed("weak", 0.0),
    ],
)
def test_what_the_gateway_tried_itself_is_no_full_feedback(row: Reviewed) -> None:
    """It asks a second endpoint where the first failed: those requests are the hard ones."""
    assert judged([row] * 10).known_share == 0


def test_unknown_and_impossible_records_are_counted_apart() -> None:
    rows = [
        reviewed("weak", None),
        reviewed("weak", 1.0, clarification=True),
        reviewed("weak", math.nan),
        reviewed("weak", 1.0, propensities=()),
        reviewed("weak", 1.0, propensities=(("weak", 0.5), ("strong", 0.2))),
        reviewed("weak", 1.0, propensities=(("weak", math.nan), ("strong", 1.0))),
        reviewed("weak", 1.0, propensities=(("weak", -0.5), ("strong", 1.5))),
        reviewed("weak", 1.0, propensities=(("weak", 0.0), ("strong", 1.0))),
        reviewed("third", 1.0),
    ]
    found = judged(rows)
    assert (found.decisions, found.unknown, found.skipped) == (0, 2, 7)
    assert found.measured is None
    assert found.verdict == (
        "the log cannot support an answer: no decision has a known outcome and propensities "
        "(2 of unknown outcome, 7 of an impossible record)"
    )
    with_good = judged([*rows, reviewed("strong", 1.0)])
    assert (with_good.decisions, with_good.skipped) == (1, 7)


def test_decisions_for_which_the_policy_cannot_tell_lower_the_support() -> None:
    policy = GainPolicy(0.1)
    tells = event(
        "strong",
        costs=(("weak", 1), ("strong", 3)),
        estimates=(("weak", 0.1), ("strong", 0.9)),
    )
    row = Reviewed(tells, {"strong": OutcomeReport("d", "strong", quality=1.0)})
    found = judged([row] * 30 + [reviewed("weak", 0.0)] * 10, policy)
    assert (found.decisions, found.undecided, found.support) == (30, 10, 0.75)
    assert found.cost_micros == 3
    assert found.logged_cost_micros == 2
    none = judged([reviewed("weak", 0.0)] * 10, policy)
    assert none.verdict == (
        "the log cannot support an answer: the policy cannot tell what it would choose in any of "
        "10 decisions"
    )
    assert none.cost_micros is None
    assert judged([reviewed("weak", 0.0)]).cost_micros is None


def test_estimates_that_are_no_qualities_are_not_used() -> None:
    rows = [
        reviewed(name, quality, estimates=(("weak", math.nan), ("strong", 7.0)))
        for name, quality in (("weak", 0.0), ("strong", 1.0))
    ] * 100
    assert measured(rows).doubly_robust.mean == pytest.approx(1.0, abs=0.05)


def test_no_case_is_predicted_from_its_own_outcome() -> None:
    """One unlike outcome among equal ones: predictions for it know only the others."""
    rows = [reviewed("strong", 0.0)] * 99 + [reviewed("strong", 1.0)]
    found = measured([*rows, *[reviewed("weak", 0.0)] * 100], STRONG)
    assert found.doubly_robust.mean == pytest.approx(found.ips.mean, abs=5e-3)


def test_equal_seeds_give_equal_answers() -> None:
    rows = drawn(200, 9, mostly_weak)
    assert judged(rows, seed=4) == judged(rows, seed=4)
