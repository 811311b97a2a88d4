"""What candidate policies would have chosen."""

from __future__ import annotations

import pytest

from gateway.core.matching import LayerName, LayerRecord, LayerStatus, ThresholdSet
from gateway.learning.policies import (
    AlwaysPolicy,
    GainPolicy,
    TaskPolicy,
    ThresholdPolicy,
    distribution,
    permitted,
)
from tests.fakes.logged import EVEN, event

PRICED = (("weak", 10), ("strong", 100))
STRONG, WEAK = (("strong", 1.0),), (("weak", 1.0),)


def test_one_endpoint_always() -> None:
    assert distribution(AlwaysPolicy("strong"), event()) == STRONG


def test_where_an_endpoint_may_not_be_called_the_log_stays() -> None:
    assert distribution(AlwaysPolicy("third"), event()) == EVEN


def test_an_endpoint_further_down_the_chain_may_be_called() -> None:
    logged = event(chain=("weak", "third"))
    assert permitted(logged) == ("weak", "strong", "third")
    assert distribution(AlwaysPolicy("third"), logged) == (("third", 1.0),)


def test_an_endpoint_that_is_only_fallen_back_to_may_not_be_called_first() -> None:
    logged = event(chain=("weak", "third"), costs=PRICED)
    assert permitted(logged) == ("weak", "strong")
    assert distribution(AlwaysPolicy("third"), logged) == EVEN


def test_an_endpoint_by_task() -> None:
    policy = TaskPolicy((("write", "strong"),), "weak")
    assert distribution(policy, event()) == STRONG
    assert distribution(policy, event(task="read")) == WEAK
    assert distribution(TaskPolicy(), event()) == EVEN


@pytest.mark.parametrize(
    ("gain", "min_gain", "cost", "expected"),
    [
        (0.3, 0.2, 0.0, STRONG),
        (0.1, 0.2, 0.0, WEAK),
        (0.0, 0.0, 0.0, WEAK),
        (0.3, 0.2, 0.5, WEAK),
        (0.3, 0.2, 0.2, STRONG),
        (-0.2, -1.0, 0.0, WEAK),
    ],
)
def test_the_dearer_endpoint_only_for_a_predicted_gain(
    gain: float, min_gain: float, cost: float, expected: tuple[tuple[str, float], ...]
) -> None:
    logged = event(costs=PRICED, estimates=(("weak", 0.5), ("strong", 0.5 + gain)))
    assert distribution(GainPolicy(min_gain, cost=cost), logged) == expected


def test_of_equally_cheap_endpoints_the_better_one() -> None:
    free = event(costs=(("weak", 0), ("strong", 0)), estimates=(("weak", 0.5), ("strong", 0.6)))
    assert distribution(GainPolicy(0.5), free) == STRONG


@pytest.mark.parametrize(
    "lacking", [{"costs": PRICED}, {"estimates": (("weak", 0.5), ("strong", 0.9))}]
)
def test_without_costs_or_predictions_gain_cannot_tell(lacking: dict[str, object]) -> None:
    assert distribution(GainPolicy(0.1), event(**lacking)) == ()


def said(layer: LayerName, confidence: float, endpoint: str = "strong") -> LayerRecord:
    return LayerRecord(layer, LayerStatus.DECLINED, confidence, endpoint=endpoint)


KEYWORD, KNN = LayerName.KEYWORD, LayerName.KNN
HALF = ThresholdPolicy(ThresholdSet(2, ((KEYWORD, 0.5), (KNN, 0.5))))


def test_the_first_layer_that_reaches_its_threshold_decides() -> None:
    logged = event(layers=(said(KEYWORD, 0.4, "weak"), said(KNN, 0.5)))
    assert distribution(HALF, logged) == STRONG
    surer = event(layers=(said(KEYWORD, 0.5, "weak"), said(KNN, 0.9)))
    assert distribution(HALF, surer) == WEAK


def test_the_order_is_that_of_the_cascade_not_of_the_thresholds() -> None:
    turned = ThresholdPolicy(ThresholdSet(2, ((KNN, 0.5), (KEYWORD, 0.5))))
    logged = event(layers=(said(KEYWORD, 0.9, "weak"), said(KNN, 0.9)))
    assert distribution(turned, logged) == WEAK


def test_where_no_layer_decides_the_rules_do_if_the_log_knows_their_choice() -> None:
    layers = (said(KEYWORD, 0.4), said(KNN, 0.0, ""))
    assert distribution(HALF, event(layers=layers)) == WEAK
    assert distribution(HALF, event(layers=layers, decided_by="head")) == ()
    assert distribution(HALF, event(layers=layers, decided_by="adaptive")) == EVEN


def test_where_the_objective_ranks_the_log_stays() -> None:
    logged = event(layers=(said(KEYWORD, 0.9),), decided_by="objective")
    assert distribution(HALF, logged) == EVEN


@pytest.mark.parametrize("status", [LayerStatus.SKIPPED, None])
def test_a_layer_that_did_not_run_leaves_the_policy_unable_to_tell(
    status: LayerStatus | None,
) -> None:
    missing = () if status is None else (LayerRecord(KNN, status),)
    assert distribution(HALF, event(layers=(said(KEYWORD, 0.4), *missing))) == ()


@pytest.mark.parametrize(
    "status",
    [LayerStatus.ABSTAINED, LayerStatus.UNAVAILABLE, LayerStatus.LATE, LayerStatus.FAILED],
)
def test_a_layer_that_had_nothing_to_say_would_say_nothing_again(status: LayerStatus) -> None:
    logged = event(layers=(LayerRecord(KEYWORD, status), said(KNN, 0.5)))
    assert distribution(HALF, logged) == STRONG
