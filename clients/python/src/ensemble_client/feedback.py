"""Outcomes and learned routing: the messages that both clients send about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from ensemble.v1.feedback_service_pb2 import (
    AnalyzeRoutingRequest,
    ApplyThresholdsRequest,
    EvaluatePolicyRequest,
    GetThresholdsRequest,
    ProposeThresholdsRequest,
    RecordOutcomeRequest,
    RollbackThresholdsRequest,
)
from google.protobuf.duration_pb2 import Duration

from ensemble_client.call import CallOptions
from ensemble_client.errors import invalid
from ensemble_client.requests import message_of

NANOS = 1e9
"""Of a second. No int: a text in the place of seconds would be repeated so many times."""


class OutcomeFields(TypedDict, total=False):
    """What is known about one endpoint's answer; what is left out or None stays unknown.

    `endpoint` is whose answer it was, that of the endpoint chosen first when left out. `compiled`,
    `accepted` and `reverted` are facts about the code; `tests_passed` needs `tests_total`.
    `edit_distance` is how much of it was changed, 0 for nothing and 1 for everything. `quality`,
    0..1, counts before all of these. `corrected_endpoint` is the one that should have been chosen.
    `latency` is the answer's time in seconds, `cost_micros` its cost in millionths of the
    gateway's currency.
    """

    endpoint: str
    compiled: bool | None
    tests_passed: int | None
    tests_total: int | None
    accepted: bool | None
    edit_distance: float | None
    reverted: bool | None
    quality: float | None
    corrected_endpoint: str
    latency: float | None
    cost_micros: int | None


class OutcomeOptions(OutcomeFields, CallOptions, total=False):
    """The keyword arguments of `record_outcome`."""


def outcome_of(
    decision_id: str, options: OutcomeOptions
) -> tuple[RecordOutcomeRequest, CallOptions]:
    """Return the message to send and the options of its call.

    Raises InvalidRequest, naming the field, for what cannot be sent; TypeError for unknown fields.
    """
    call: CallOptions = {
        "timeout": options.pop("timeout", None),
        "metadata": options.pop("metadata", None),
    }
    fields: dict[str, object] = {"decision_id": decision_id, **options}
    unknown = options.keys() - OutcomeFields.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    fields["latency"] = span_of("latency", options.get("latency"))
    return message_of(RecordOutcomeRequest, "", _given(fields)), call


def version_of(version: int) -> GetThresholdsRequest:
    """Ask for the thresholds of a version; raises InvalidRequest."""
    return message_of(GetThresholdsRequest, "", {"version": version})


def proposal_of(
    window: float | None, step: float | None, *, train_head: bool
) -> ProposeThresholdsRequest:
    """Ask for better thresholds; raises InvalidRequest."""
    fields = {"window": span_of("window", window), "step": step, "train_head": train_head}
    return message_of(ProposeThresholdsRequest, "", _given(fields))


def application_of(version: int, *, validate_only: bool) -> ApplyThresholdsRequest:
    """Ask to put a version in force; raises InvalidRequest."""
    fields = {"version": version, "validate_only": validate_only}
    return message_of(ApplyThresholdsRequest, "", fields)


def rollback_of(*, validate_only: bool) -> RollbackThresholdsRequest:
    """Ask to go back to the version before."""
    return RollbackThresholdsRequest(validate_only=validate_only)


def evaluation_of(policy_toml: str, window: float | None) -> EvaluatePolicyRequest:
    """Ask what a policy would have earned; raises InvalidRequest."""
    fields = {"policy": policy_toml, "window": span_of("window", window)}
    return message_of(EvaluatePolicyRequest, "", _given(fields))


def analysis_of(window: float | None) -> AnalyzeRoutingRequest:
    """Ask how routing did; raises InvalidRequest."""
    return AnalyzeRoutingRequest(window=span_of("window", window))


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def span_of(name: str, seconds: float | None) -> Duration | None:
    """Write a span of seconds; raises InvalidRequest, naming the field, for what is none."""
    if seconds is None:
        return None
    span = Duration()
    try:
        span.FromNanoseconds(round(seconds * NANOS))
    except (TypeError, ValueError, OverflowError):
        raise invalid(name, f"must be a number of seconds, not {seconds}") from None
    return span
