"""The blocking client's methods about outcomes and what the router learned from them."""

from __future__ import annotations

from typing import Unpack

from ensemble.v1.feedback_service_pb2 import (
    AnalyzeRoutingResponse,
    ApplyThresholdsResponse,
    EvaluatePolicyResponse,
    Experiment,
    GetThresholdsResponse,
    ListExperimentsRequest,
    ProposeThresholdsResponse,
    RecordOutcomeResponse,
    RollbackThresholdsResponse,
)
from ensemble.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from ensemble_client.call import CallOptions, CallSettings
from ensemble_client.feedback import (
    OutcomeOptions,
    analysis_of,
    application_of,
    evaluation_of,
    outcome_of,
    proposal_of,
    rollback_of,
    version_of,
)
from ensemble_client.sync_calls import ask


class FeedbackCalls:
    """Part of `Client`, which sets the attributes. A `window` is seconds back from now."""

    _settings: CallSettings
    _feedback: FeedbackServiceStub

    def record_outcome(
        self, decision_id: str, **options: Unpack[OutcomeOptions]
    ) -> RecordOutcomeResponse:
        """Report what became of an answer; `decision_id` is that of the response or the error.

        A later report adds to an earlier one, so that a call may be repeated. Returns the quality
        as it now stands. Raises NotFound for a decision that is not known, or no longer.
        """
        message, call = outcome_of(decision_id, options)
        return ask(self._feedback.RecordOutcome, message, self._settings.call(**call))

    def thresholds(self, version: int = 0, **options: Unpack[CallOptions]) -> GetThresholdsResponse:
        """Return the thresholds in force, or those of a version, and the versions before.

        Raises NotFound for a version that is not there.
        """
        call = self._settings.call(**options)
        return ask(self._feedback.GetThresholds, version_of(version), call)

    def propose_thresholds(
        self,
        window: float | None = None,
        step: float | None = None,
        *,
        train_head: bool = False,
        **options: Unpack[CallOptions],
    ) -> ProposeThresholdsResponse:
        """Work out better thresholds from outcomes, and a new head; nothing that decides changes.

        `step` is the most that a threshold may change by. Give the version in the answer to
        `apply_thresholds`, if `changed` is true.
        """
        message = proposal_of(window, step, train_head=train_head)
        return ask(self._feedback.ProposeThresholds, message, self._settings.call(**options))

    def apply_thresholds(
        self, version: int, *, validate_only: bool = False, **options: Unpack[CallOptions]
    ) -> ApplyThresholdsResponse:
        """Put a version in force, or with `validate_only` tell what would change.

        Raises NotFound for a version that is not there.
        """
        message = application_of(version, validate_only=validate_only)
        return ask(self._feedback.ApplyThresholds, message, self._settings.call(**options))

    def rollback_thresholds(
        self, *, validate_only: bool = False, **options: Unpack[CallOptions]
    ) -> RollbackThresholdsResponse:
        """Go back to the version before, or with `validate_only` tell what would change.

        Never retried: look at `thresholds` after Unavailable, before asking again.
        """
        message = rollback_of(validate_only=validate_only)
        return ask(self._feedback.RollbackThresholds, message, self._settings.call(**options))

    def experiments(self, **options: Unpack[CallOptions]) -> list[Experiment]:
        """List the experiments with the exposure and the quality of each arm."""
        call = self._settings.call(**options)
        answer = ask(self._feedback.ListExperiments, ListExperimentsRequest(), call)
        return list(answer.experiments)

    def evaluate_policy(
        self, policy_toml: str, window: float | None = None, **options: Unpack[CallOptions]
    ) -> EvaluatePolicyResponse:
        """Estimate from recorded decisions what another policy would have earned.

        Look at `supported` before the estimates: a log that tried other choices cannot tell.
        """
        message = evaluation_of(policy_toml, window)
        return ask(self._feedback.EvaluatePolicy, message, self._settings.call(**options))

    def analyze_routing(
        self, window: float | None = None, **options: Unpack[CallOptions]
    ) -> AnalyzeRoutingResponse:
        """Sum up how each layer and each endpoint did, and what is beyond its target."""
        message = analysis_of(window)
        return ask(self._feedback.AnalyzeRouting, message, self._settings.call(**options))
