"""Runs of the load harness that never were: what they came to, and their documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ensemble_loadtest.address import Address
from ensemble_loadtest.fleet import Result
from ensemble_loadtest.flights import Flight
from ensemble_loadtest.plan import Load, Plan
from ensemble_loadtest.report import document_of
from ensemble_loadtest.schedule import steps
from ensemble_loadtest.slo import Objective
from ensemble_loadtest.tally import Tally

PLAN = Plan(
    Address("<gateway>", 1),
    Load(seconds=20, segments=steps([10], 20)),
    stream=True,
    slo=Objective(latency_s=0.3),
)


def result(slower: float = 1.0, failures: int = 2, **fields: Any) -> Result:
    """Twenty seconds with ten requests each, of which some fail in the last one."""
    tally = Tally()
    for number in range(200):
        offset_s = number / 10
        tally.sent += 1
        tally.cell(offset_s).sent += 1
        flight = Flight(number, offset_s)
        flight.sent_s = offset_s + 0.001
        tally.lag.add(0.001)
        took_s = slower * (0.1 + number % 10 / 100)
        flight.first_s, flight.last_s, flight.pieces = offset_s + took_s / 2, offset_s + took_s, 3
        flight.endpoint, flight.cost_micros, flight.completion_tokens = "fast & good", 5, 3
        if number >= 200 - failures:
            tally.refused(flight, "UNAVAILABLE <down>", offset_s, offset_s + took_s)
        else:
            tally.answered(flight, offset_s, offset_s + took_s, PLAN.slo)
            tally.gap.add(took_s / 4)
        tally.finished_s = max(tally.finished_s, offset_s + took_s)
    made = Result(PLAN, tally, 1_700_000_000.0, tally.finished_s, [0.2])
    return replace(made, **fields)


def document(*given: Any, **fields: Any) -> dict[str, Any]:
    """As it is read from a file."""
    return json.loads(json.dumps(document_of(result(*given, **fields))))
