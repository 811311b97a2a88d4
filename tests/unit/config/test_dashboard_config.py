from __future__ import annotations

import pytest

from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.core.overview import Look
from gateway.learning.targets import ACCURACY, CORRECTIONS

ENDPOINT = {"name": "a", "url": "127.0.0.1:1"}


def settings_of(**tables):
    return build({"endpoint": [ENDPOINT], **tables}, "test")


def test_the_defaults_are_those_of_an_analysis():
    """D-02 ✗: two places said 5 s and 1 h, and 60 s and 24 h; there is one."""
    config = settings_of().dashboard
    assert config.enabled
    assert config.look() == Look(3600.0, 5.0)
    bars = config.targets.bars()
    assert (bars.accuracy, bars.corrections) == (ACCURACY, CORRECTIONS)
    assert (bars.keyword.target, bars.keyword.alarm) == (0.30, 0.20)
    assert (bars.similarity.target, bars.similarity.alarm) == (0.40, 0.30)
    assert (bars.decision_s.target, bars.decision_s.alarm) == (0.1, 0.2)
    assert (bars.clarifications.target, bars.misroutings.alarm) == (0.05, 0.02)


def test_targets_can_be_set():
    bars = settings_of(dashboard={"targets": {"accuracy": 0.8, "accuracy_alarm": 0.5}})
    assert bars.dashboard.targets.bars().accuracy.alarm == 0.5


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"window_s": 59}, "dashboard.window_s"),
        ({"window_s": 86_401}, "dashboard.window_s"),
        ({"refresh_s": 0.5}, "dashboard.refresh_s"),
        ({"targets": {"accuracy_alarm": 0.96}}, "dashboard.targets"),
        ({"targets": {"keyword_share": 0.1}}, "dashboard.targets"),
        ({"targets": {"corrections_alarm": 0.01}}, "dashboard.targets"),
        ({"targets": {"decision_s": 1.0}}, "dashboard.targets"),
        ({"targets": {"colour": 1}}, "dashboard.targets.colour"),
    ],
)
def test_a_mistake_is_named_by_its_place(table, path: str):
    with pytest.raises(ConfigError) as caught:
        settings_of(dashboard=table)
    assert [problem.path for problem in caught.value.problems] == [path]
