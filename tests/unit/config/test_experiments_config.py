"""Settings of experiments and of the adaptive policy, and policy files."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.config.experiments import AdaptiveConfig, ExperimentConfig, experiment_problems
from gateway.config.policy_file import read_policy
from gateway.config.problems import ConfigError
from gateway.core.experiments import Arm, Experiment, GuardRail, UnitKey
from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, ThresholdSet
from gateway.learning.bandit import DEFAULT_ADAPTIVE
from gateway.learning.policies import (
    AlwaysPolicy,
    GainPolicy,
    Policy,
    TaskPolicy,
    ThresholdPolicy,
)

ARMS = [{"name": "control", "control": True}, {"name": "new"}]
GOOD = {"name": "e", "arm": ARMS}


def experiment(**fields: Any) -> ExperimentConfig:
    return ExperimentConfig.model_validate({**GOOD, **fields})


def mistake(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        experiment(**fields)
    return str(caught.value)


def test_the_smallest_experiment_takes_no_traffic() -> None:
    assert experiment().experiment() == Experiment(
        "e", "e", (Arm("control", control=True), Arm("new"))
    )


def test_every_key_reaches_the_router() -> None:
    arm = {
        "name": "new",
        "weight": 0.5,
        "shadow": True,
        "layers": ["keyword"],
        "routing_mode": "learned",
        "objective": "cheapest",
        "thresholds": {"knn": 0.6},
        "endpoint": "a",
    }
    found = experiment(
        salt="s",
        unit="label",
        label="user",
        share=0.1,
        enabled=False,
        guard_rail={"margin": 0.1, "failure_margin": 0.2, "alpha": 0.01},
        arm=[ARMS[0], arm],
    ).experiment()
    assert found == Experiment(
        "e",
        "s",
        (
            Arm("control", control=True),
            Arm(
                "new",
                0.5,
                shadow=True,
                layers=frozenset({LayerName.KEYWORD}),
                routing_mode=RoutingMode.LEARNED,
                objective=Objective.CHEAPEST,
                thresholds=((LayerName.KNN, 0.6),),
                endpoint="a",
            ),
        ),
        UnitKey.LABEL,
        "user",
        0.1,
        enabled=False,
        guard_rail=GuardRail(0.1, 0.2, 0.01),
    )


def test_shadow_arms_need_no_control() -> None:
    assert experiment(arm=[{"name": "new", "shadow": True}]).experiment().control is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"arm": [ARMS[0], ARMS[0]]}, "two arms have the same name"),
        ({"arm": [ARMS[0], {"name": "b", "control": True}]}, "more than one arm is the control"),
        ({"arm": [{**ARMS[0], "shadow": True}]}, "so it cannot be a shadow"),
        ({"arm": [ARMS[1]]}, "need one to be held against"),
        ({"arm": []}, "at least 1"),
        ({"unit": "label"}, "need each other"),
        ({"label": "user"}, "need each other"),
        ({"share": 1.5}, "less than or equal to 1"),
        ({"guard_rail": {"alpha": 0}}, "greater than 0"),
        ({"arm": [{**ARMS[0], "weight": 0}]}, "greater than 0"),
        ({"arm": [{**ARMS[0], "layers": ["clarify"]}]}, "Input should be"),
        ({"arm": [{**ARMS[0], "objectiv": "x"}]}, "Extra inputs"),
    ],
)
def test_a_mistake_says_what_is_wrong(fields: dict[str, Any], why: str) -> None:
    assert why in mistake(**fields)


def test_experiments_do_not_share_names_or_salts_and_arms_name_known_endpoints() -> None:
    named = experiment(name="f", arm=[ARMS[0], {"name": "new", "endpoint": "b"}])
    every = [experiment(), experiment(), experiment(name="g", salt="e"), named]
    found = {problem.path: str(problem) for problem in experiment_problems(every, ["a"])}
    assert set(found) == {
        "experiment[1].name",
        "experiment[2].salt",
        "experiment[3].arm[1].endpoint",
    }
    assert "use one of: a" in found["experiment[3].arm[1].endpoint"]
    assert experiment_problems([named, experiment()], ["a", "b"]) == []


def test_the_adaptive_policy_is_off_by_default() -> None:
    found = AdaptiveConfig()
    assert not found.enabled
    assert found.settings() == DEFAULT_ADAPTIVE


@pytest.mark.parametrize(
    "fields", [{"floor": 0}, {"warm_up_share": 1}, {"half_life_s": 0}, {"draws": 1}]
)
def test_an_adaptive_policy_that_could_not_explore_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AdaptiveConfig.model_validate(fields)


def read(text: str) -> Policy:
    names = ("weak", "strong")
    return read_policy(text, "candidate.toml", endpoints=names, thresholds=DEFAULT_THRESHOLDS)


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ('kind = "always"\nendpoint = "weak"', AlwaysPolicy("weak")),
        (
            'kind = "task"\notherwise = "weak"\n[endpoints]\nwrite = "strong"',
            TaskPolicy((("write", "strong"),), "weak"),
        ),
        ('kind = "task"', TaskPolicy()),
        ('kind = "gain"\nmin_gain = 0.1\ncost = 0.5', GainPolicy(0.1, cost=0.5)),
        (
            'kind = "thresholds"\n[thresholds]\nknn = 0.6',
            ThresholdPolicy(
                ThresholdSet(
                    1,
                    (
                        (LayerName.KEYWORD, 0.85),
                        (LayerName.SIMILARITY, 0.70),
                        (LayerName.KNN, 0.6),
                        (LayerName.HEAD, 0.90),
                    ),
                )
            ),
        ),
    ],
)
def test_a_policy_is_read_from_toml(text: str, policy: Policy) -> None:
    assert read(text) == policy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind = ", "is not TOML"),
        ("a = " + "[" * 5000, "is nested too deeply"),
        ("", "kind: is missing or unknown. To mend it: use one of: always, task, gain, thresholds"),
        ('kind = ["always"]', "is missing or unknown"),
        ('kind = "always"', "endpoint: Field required. To mend it: add the key"),
        ('kind = "gain"\nmin_gain = 0.1\ncosts = 1', "did you mean 'cost'?"),
        ('kind = "gain"\nmin_gain = nan', "min_gain"),
        ('kind = "always"\nendpoint = "x"', "endpoint: 'x' is not among the endpoints"),
        ('kind = "task"\notherwise = "x"', "otherwise: 'x' is not among the endpoints"),
        ('kind = "task"\n[endpoints]\na = "x"', "endpoints.a: 'x' is not among the endpoints"),
        ('kind = "thresholds"\n[thresholds]\nclarify = 0.5', "thresholds.clarify"),
    ],
)
def test_a_mistake_in_a_policy_says_what_is_wrong(text: str, why: str) -> None:
    assert why in refused(text)
