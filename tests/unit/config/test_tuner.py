"""Settings of the tuner."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.config.tuner import AccuracyTargets, TunerConfig
from gateway.core.matching import LayerName
from gateway.learning.thresholds import DEFAULT_TUNER


def test_the_defaults_are_those_of_the_tuner() -> None:
    assert TunerConfig().settings() == DEFAULT_TUNER
    assert TunerConfig().window_h == 168.0


def test_settings_reach_the_tuner() -> None:
    config = TunerConfig(step=0.1, accuracy_targets=AccuracyTargets(knn=0.5))
    assert config.settings().step == 0.1
    assert config.settings().target(LayerName.KNN) == 0.5
    assert config.settings().target(LayerName.CLARIFY) == 1.0


def test_bounds_without_room_between_them_are_refused() -> None:
    with pytest.raises(ValidationError, match="lowest must be below highest"):
        TunerConfig(lowest=0.9, highest=0.9)
