"""The whole result of a request."""

from __future__ import annotations

from gateway.core.candidate import NO_USAGE, Attempt, Candidate, Usage
from gateway.core.decision import RoutingDecision
from gateway.core.pipeline import PipelineReport
from gateway.core.refinement import RefineReport
from gateway.core.value import value


@value
class Answer:
    """What a request gets: the text that was chosen and how it came about.

    `report` tells what became of each hole of a refinement, or each step of a pipeline.
    `decision_id` is what outcomes are reported under; empty when the decision is not recorded.
    `cache_age_s` is how long ago a cached answer was written; None when it was for this request.
    `partial` says that its job was stopped: the chosen text is the best there was by then;
    `steered`, that commands to its job changed it, so that it is for nobody else. `job_id` names
    that job; empty when the request was not tracked.
    """

    chosen: Candidate
    decision: RoutingDecision
    attempts: tuple[Attempt, ...]
    candidates: tuple[Candidate, ...]
    elapsed_s: float
    report: RefineReport | PipelineReport | None = None
    decision_id: str = ""
    cache_age_s: float | None = None
    partial: bool = False
    steered: bool = False
    job_id: str = ""

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts together."""
        if len(self.attempts) == 1:
            return self.attempts[0].usage
        total = NO_USAGE
        for attempt in self.attempts:
            total = total.plus(attempt.usage)
        return total

    @property
    def cost_micros(self) -> int:
        """Estimated cost of all attempts together."""
        cost = 0
        for attempt in self.attempts:
            cost += attempt.cost_micros
        return cost
