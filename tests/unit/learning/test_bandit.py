"""The adaptive policy: A-01, A-04, L-14."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.bandit import (
    AdaptiveSettings,
    BanditState,
    Evidence,
    choose,
    class_named,
    class_of,
    learned,
)
from tests.fakes.logged import event, reported, reviewed

NAMES = ("weak", "strong")
WRITE = "task write"
NOW = 1000.0
SETTINGS = AdaptiveSettings()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def after(*rows: Reviewed, state: BanditState | None = None, now: float = NOW) -> BanditState:
    return learned(state or BanditState(), rows, now=now, endpoints=(*NAMES, "third"))


def evidence(state: BanditState, endpoint: str = "weak", kind: str = WRITE) -> Evidence:
    return state.classes[kind][endpoint]


def known(**sums: tuple[float, float]) -> BanditState:
    """A state with so many good and bad answers of each endpoint."""
    return BanditState(NOW, {WRITE: {name: Evidence(*both) for name, both in sums.items()}})


def share(
    state: BanditState,
    endpoint: str,
    permitted: tuple[str, ...] = NAMES,
    settings: AdaptiveSettings = SETTINGS,
) -> float:
    choice = choose(state, WRITE, permitted, rng(), settings)
    assert choice is not None
    return dict(choice.propensities)[endpoint]


def test_without_outcomes_the_rules_decide() -> None:
    """Bar: a cold start is as rules only."""
    assert choose(BanditState(), WRITE, NAMES, rng()) is None
    elsewhere = after(reviewed(quality=1.0, task="other"))
    assert choose(elsewhere, WRITE, NAMES, rng()) is None
    assert choose(known(third=(5, 5)), WRITE, NAMES, rng()) is None


def test_one_endpoint_is_no_choice() -> None:
    assert choose(known(weak=(5, 5)), WRITE, ("weak",), rng()) is None
    assert choose(known(weak=(5, 5)), WRITE, (), rng()) is None


def test_one_lucky_trial_does_not_win() -> None:
    """Regression of A-04: any arm with enough samples let an arm with one success win."""

    def defective(state: BanditState) -> str:
        arms = state.classes[WRITE]
        assert any(one.amount >= 50 for one in arms.values())
        return max(arms, key=lambda name: arms[name].good / arms[name].amount)

    state = known(weak=(140.0, 60.0), strong=(1.0, 0.0))
    assert defective(state) == "strong"
    assert share(state, "strong") == pytest.approx(SETTINGS.warm_up_share)
    assert share(state, "weak") == pytest.approx(1 - SETTINGS.warm_up_share)


def test_an_endpoint_with_enough_evidence_takes_over() -> None:
    state = known(weak=(20.0, 80.0), strong=(80.0, 20.0))
    assert share(state, "strong") == pytest.approx(1 - SETTINGS.floor / 2)
    assert share(state, "weak") == pytest.approx(SETTINGS.floor / 2)


def test_an_endpoint_graduates_by_evidence_and_by_reward() -> None:
    """L-14: at least so many outcomes and so good ones; until then its traffic is capped."""
    strict = replace(SETTINGS, min_reward=0.8)
    good = known(weak=(10.0, 90.0), strong=(41.0, 9.0))
    assert share(good, "strong", settings=strict) > 0.9
    for sums in ((39.0, 11.0), (41.0, 8.0)):
        state = known(weak=(10.0, 90.0), strong=sums)
        assert share(state, "strong", settings=strict) == pytest.approx(0.1)


def test_all_that_warm_up_share_one_cap_and_the_rest_goes_by_merit() -> None:
    state = known(weak=(10.0, 90.0), strong=(60.0, 40.0))
    permitted = ("weak", "strong", "third", "fourth")
    parts = {name: share(state, name, permitted) for name in permitted}
    assert parts["third"] + parts["fourth"] == pytest.approx(SETTINGS.warm_up_share)
    assert parts["strong"] > 0.85
    assert sum(parts.values()) == pytest.approx(1)


def test_the_choice_is_drawn_with_the_propensities_that_it_logs() -> None:
    state, draw = known(weak=(30.0, 30.0), strong=(33.0, 27.0)), rng(5)
    chosen: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    for _ in range(1500):
        choice = choose(state, WRITE, NAMES, draw)
        assert choice is not None
        chosen[choice.endpoint] += 1
        for name, propensity in choice.propensities:
            expected[name] += propensity
    spread = math.sqrt(expected["weak"] * expected["strong"] / 1500)
    assert abs(chosen["weak"] - expected["weak"]) < 4 * spread


def test_equal_evidence_is_shared_evenly_whatever_the_order() -> None:
    state = known(weak=(300.0, 300.0), strong=(300.0, 300.0))
    wide = replace(SETTINGS, draws=4096)
    assert share(state, "weak", settings=wide) == pytest.approx(0.5, abs=0.05)


def test_evidence_fades_as_time_passes_with_or_without_outcomes() -> None:
    """Regression of A-04: decay never ran by itself."""
    state = after(*[reviewed(quality=1.0)] * 8)
    faded = after(state=state, now=NOW + 3 * SETTINGS.half_life_s)
    assert evidence(faded).good == pytest.approx(1.0)
    gone = after(state=state, now=NOW + 30 * SETTINGS.half_life_s)
    assert gone.classes == {}
    assert choose(gone, WRITE, NAMES, rng()) is None


def test_decay_keeps_the_mean_of_few_outcomes() -> None:
    """Regression of A-04: counts were cut to whole numbers, the sums behind the means were not."""

    def defective(count: int, total: float, factor: float) -> float:
        return total / int(count * factor)

    assert defective(3, 1.5, 0.5) == 1.5
    state = after(*[reviewed(quality=0.5)] * 3)
    found = evidence(after(state=state, now=NOW + SETTINGS.half_life_s))
    assert found.amount == pytest.approx(1.5)
    assert found.good / found.amount == pytest.approx(0.5)


def test_late_outcomes_count_by_the_age_of_their_decision() -> None:
    old = reviewed(quality=1.0, at=NOW)
    later = NOW + SETTINGS.half_life_s
    at_once = after(old, reviewed(quality=0.0, at=later), now=later)
    turned = after(old, state=after(reviewed(quality=0.0, at=later), now=later), now=later)
    assert evidence(at_once) == evidence(turned) == Evidence(0.5, 1.0)


def test_a_clock_that_steps_back_makes_nothing_grow() -> None:
    state = after(reviewed(quality=1.0))
    back = after(reviewed(quality=1.0, at=NOW + 99), state=state, now=1.0)
    assert back.at == NOW
    assert evidence(back).good == pytest.approx(2.0)


def test_outcomes_of_several_endpoints_all_teach() -> None:
    state = after(reported({"weak": 0.25, "strong": 1.0}))
    assert evidence(state) == Evidence(0.25, 0.75)
    assert evidence(state, "strong") == Evidence(1.0, 0.0)


def test_a_report_that_names_no_endpoint_is_about_the_chosen_one() -> None:
    state = after(Reviewed(event("strong"), {"": OutcomeReport("d", accepted=True)}))
    assert evidence(state, "strong") == Evidence(1.0, 0.0)


def test_a_report_that_tells_nothing_is_passed_over() -> None:
    state = after(Reviewed(event(), {"weak": OutcomeReport("d", compiled=True)}))
    assert (state.classes, state.skipped) == ({}, 0)


@pytest.mark.parametrize(
    "bad",
    [
        reviewed(quality=math.nan),
        reviewed(quality=math.inf),
        reviewed(quality=-0.5),
        reviewed(quality=1.5),
        reviewed(quality=1.0, at=math.nan),
        reviewed(quality=1.0, at=math.inf),
        reviewed(quality=1.0, at=-1.0),
        reviewed("removed", quality=1.0),
    ],
)
def test_one_bad_row_is_skipped_and_counted(bad: Reviewed) -> None:
    """Regression of item 8: one bad row can never break it."""
    good = reviewed(quality=1.0)
    found, clean = after(good, bad, good), after(good, good)
    assert found.skipped == 1
    assert found.classes == clean.classes


def test_classes_are_bounded_and_the_best_known_ones_stay() -> None:
    few = replace(SETTINGS, max_classes=2)
    rows = [reviewed(quality=1.0, task=task) for task in ("a", "b", "b", "c", "c", "c")]
    state = learned(BanditState(), rows, now=NOW, endpoints=NAMES, settings=few)
    assert list(state.classes) == ["task c", "task b"]


def test_the_class_is_the_task_or_else_the_rule() -> None:
    assert class_of(event(task="fast")) == "task fast"
    assert class_of(event(task="", rule="fast")) == "rule fast" != class_named("fast", "")
