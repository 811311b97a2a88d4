"""The scenarios, in the order of the table."""

from __future__ import annotations

from tests.conformance.rig import Scenario
from tests.conformance.scenarios import (
    answers,
    hedging,
    leaving,
    load,
    process,
    reachability,
    storms,
)

ALL: tuple[Scenario, ...] = (
    *answers.SCENARIOS,
    *storms.SCENARIOS,
    *reachability.SCENARIOS,
    *leaving.SCENARIOS,
    *process.SCENARIOS,
    *load.SCENARIOS,
    *hedging.SCENARIOS,
)
