"""Candidate policies, written as TOML, to be judged by `ensemble analyze --policy`."""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, ValidationError

from gateway.config.experiments import DecidingLayer
from gateway.config.problems import ConfigError, Problem, problems_of
from gateway.config.section import Section, Share
from gateway.core.matching import ThresholdSet
from gateway.learning.policies import (
    AlwaysPolicy,
    GainPolicy,
    Policy,
    TaskPolicy,
    ThresholdPolicy,
)


class PolicyFile(Section, ABC):
    """What every kind of policy has in common; `kind` says which one a file holds."""

    @abstractmethod
    def policy(self, thresholds: ThresholdSet) -> Policy:
        """Return the policy; `thresholds` are those in force."""

    def endpoints_named(self) -> Mapping[str, str]:
        """Return the endpoints in it, by the path of the key."""
        return {}


class AlwaysFile(PolicyFile):
    """One endpoint wherever it may be called."""

    kind: Literal["always"]
    endpoint: str = Field(min_length=1)

    def policy(self, thresholds: ThresholdSet) -> Policy:  # noqa: ARG002 - of the base
        """Return the policy."""
        return AlwaysPolicy(self.endpoint)

    def endpoints_named(self) -> Mapping[str, str]:
        """Return its endpoint."""
        return {"endpoint": self.endpoint}


class TaskFile(PolicyFile):
    """An endpoint for each kind of task."""

    kind: Literal["task"]
    endpoints: dict[str, str] = Field(default={}, description="Endpoint by kind of task.")
    otherwise: str = Field(default="", description="For the rest; empty: what was logged.")

    def policy(self, thresholds: ThresholdSet) -> Policy:  # noqa: ARG002 - of the base
        """Return the policy."""
        return TaskPolicy(tuple(self.endpoints.items()), self.otherwise)

    def endpoints_named(self) -> Mapping[str, str]:
        """Return the endpoints of the table."""
        named = {f"endpoints.{task}": endpoint for task, endpoint in self.endpoints.items()}
        return {**named, "otherwise": self.otherwise} if self.otherwise else named


class GainFile(PolicyFile):
    """The cheapest endpoint, unless another is predicted to be worth its price."""

    kind: Literal["gain"]
    min_gain: float = Field(
        ge=-1, le=1, allow_inf_nan=False, description="Predicted gain in quality from which on."
    )
    quality: float = Field(default=1.0, gt=0, le=1000, description="Weight of that gain.")
    cost: float = Field(default=0.0, ge=0, le=1000, description="Weight of what it costs more.")

    def policy(self, thresholds: ThresholdSet) -> Policy:  # noqa: ARG002 - of the base
        """Return the policy."""
        return GainPolicy(self.min_gain, self.quality, self.cost)


class ThresholdsFile(PolicyFile):
    """Other thresholds of the cascade; what is left out stays as it is in force."""

    kind: Literal["thresholds"]
    thresholds: dict[DecidingLayer, Share]

    def policy(self, thresholds: ThresholdSet) -> Policy:
        """Return the policy, over the thresholds in force."""
        merged = {**dict(thresholds.thresholds), **self.thresholds}
        return ThresholdPolicy(ThresholdSet(thresholds.version, tuple(merged.items())))


KINDS: Mapping[str, type[PolicyFile]] = MappingProxyType(
    {"always": AlwaysFile, "task": TaskFile, "gain": GainFile, "thresholds": ThresholdsFile}
)


def read_policy(
    text: str, source: str, *, endpoints: Collection[str], thresholds: ThresholdSet
) -> Policy:
    """Read a policy from TOML; `source` names it in errors, `thresholds` are those in force.

    Raises ConfigError with every mistake, also for an endpoint that is none of `endpoints`: a
    policy that names no known one would silently be judged as the logged one.
    """
    document = _parsed(text, source)
    schema = KINDS.get(str(document.get("kind")))
    if schema is None:
        problem = Problem("kind", "is missing or unknown", f"use one of: {', '.join(KINDS)}")
        raise ConfigError(source, (problem,))
    file = _checked(schema, document, source)
    unknown = tuple(
        Problem(path, f"{name!r} is not among the endpoints", f"use one of: {', '.join(endpoints)}")
        for path, name in file.endpoints_named().items()
        if name not in endpoints
    )
    if unknown:
        raise ConfigError(source, unknown)
    return file.policy(thresholds)


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = Problem(source, f"is not TOML: {error}", "correct the line that is named")
    except RecursionError:
        problem = Problem(source, "is nested too deeply", "write it as the documentation says")
    raise ConfigError(source, (problem,))


def _checked(schema: type[PolicyFile], document: Mapping[str, Any], source: str) -> PolicyFile:
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise ConfigError(source, problems_of(error, schema)) from None
