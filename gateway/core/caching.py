"""Which requests a kept answer may serve, under which key, and which answers may be kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from gateway.core.answer import Answer
from gateway.core.candidate import AttemptStatus, FinishReason
from gateway.core.canonical import canonical, fields_form, form_of, written
from gateway.core.constraint import VerdictStatus
from gateway.core.exchange import Exchange
from gateway.core.hole import (
    NO_BUDGET,
    CachePolicy,
    EndpointFilter,
    Hole,
    HoleSpec,
    Request,
    RoutingMode,
    Sampling,
    Strategy,
)
from gateway.core.snapshot import Snapshot

KEY_VERSION = 2
"""Changes with every change of what a key is made of."""

KEY_FIELDS = (
    "tenant",
    "hole",
    "sampling",
    "strategy",
    "n",
    "endpoint_filter",
    "priority",
    "repair",
    "pipeline",
    "routing_mode",
    "objective",
    "chat",
)
"""Fields of a request that may change its answer. Of `budget` and `labels` a part does."""

IGNORED_FIELDS = (
    "request_id",
    "session_id",
    "trace_context",
    "return_candidates",
    "cache_policy",
)
"""Fields that name a request, say who is told of it, or what is shown of its answer."""

TASK_LABEL = "task"
"""The one label that anything but a log reads."""

_request_form = fields_form(
    Request,
    KEY_FIELDS,
    {"hole": Hole, "hole.spec": HoleSpec, "sampling": Sampling, "endpoint_filter": EndpointFilter},
)
_ON_REQUEST = frozenset({CachePolicy.ALLOW_SAMPLED, CachePolicy.REFRESH})
_LEFT = frozenset({AttemptStatus.FAILED, AttemptStatus.TIMEOUT, AttemptStatus.SKIPPED})


class CacheOperation(StrEnum):
    """What is cached, each for a time of its own: fills that would come out alike, and draws."""

    GENERATE = "generate"
    SAMPLED = "sampled"


def is_sampled(sampling: Sampling) -> bool:
    """Say whether the same request may get another text: drawn with heat and without a seed.

    A temperature that the caller left open is the gateway's to choose, and never 0.
    """
    return sampling.seed is None and sampling.temperature != 0


def operation_of(exchange: Exchange, *, experiments: bool = False) -> CacheOperation | None:
    """Say as what the answer to a request may be cached; None when it may not (H-09).

    A draw is only when its caller asks for it. Refinements and pipelines are not: their parts draw
    as they like. Nor are detached requests, whose answer is found by a job of their own, nor such
    as may be in one of the `experiments` that run: they would count for arms that they were not in.
    """
    request = exchange.request
    policy = request.cache_policy
    if policy is CachePolicy.BYPASS or exchange.detached or exchange.work is not None:
        return None
    if request.strategy is Strategy.PIPELINE:
        return None
    if experiments and request.routing_mode is not RoutingMode.RULES:
        return None
    if not is_sampled(request.sampling):
        return CacheOperation.GENERATE
    return CacheOperation.SAMPLED if policy in _ON_REQUEST else None


def cache_key(
    request: Request, operation: CacheOperation, revision: bytes, prompt_template: str
) -> bytes:
    """Digest everything that may change the answer to a request, its tenant first (H-03).

    `revision` is what `revision_of` gives, `prompt_template` the version of how a hole becomes a
    prompt. Raises NotCanonicalError for a request that holds anything but values.
    """
    budget, task = None, ""
    if request.budget is not NO_BUDGET:
        # How long it may take is a deadline by another name.
        least = replace(request.budget, max_wall_s=None)
        if least != NO_BUDGET:
            budget = form_of(least)
    if request.labels:
        task = dict(request.labels).get(TASK_LABEL, "")
    # Not the operation itself: an Enum's hash is computed in Python.
    prefix = _prefix(operation is CacheOperation.SAMPLED, revision, prompt_template)
    return sha256(written((prefix, _request_form(request), budget, task))).digest()


@lru_cache(maxsize=16)
def _prefix(sampled: bool, revision: bytes, prompt_template: str) -> bytes:  # noqa: FBT001 - quick
    operation = CacheOperation.SAMPLED if sampled else CacheOperation.GENERATE
    return canonical((KEY_VERSION, operation, revision, prompt_template))


def revision_of(snapshot: Snapshot, config: str) -> bytes:
    """Digest what answers depend on beside the request.

    That is the endpoints with their models, drained or not, and the configuration as text, which is
    the same for one configuration only within one process.
    """
    return sha256(canonical((config, snapshot.callable))).digest()


def may_be_shared(answer: Answer) -> bool:
    """Say whether an answer is what anybody who asks the same would get.

    Commands to the job of a request may have changed or cut short what only its caller wanted so.
    """
    return not (answer.partial or answer.steered)


def may_be_kept(answer: Answer, target_of: Callable[[str], str]) -> bool:
    """Say whether an answer is good for whoever asks the same.

    Not one whose text failed a check, advisory ones included, or was stopped by a filter. Nor one
    of an endpoint that stood in for a better one which could not be called: that may be back at any
    moment. `target_of` names the group of a replica, and a lone endpoint as it is.
    """
    chosen = answer.chosen
    filtered = chosen.completion.finish_reason is FinishReason.CONTENT_FILTER
    if filtered or not may_be_shared(answer):
        return False
    if any(verdict.status is VerdictStatus.FAILED for verdict in chosen.verdicts):
        return False
    return target_of(chosen.endpoint) == answer.decision.primary or not any(
        attempt.status in _LEFT for attempt in answer.attempts
    )


def as_cached(answer: Answer, age_s: float, elapsed_s: float) -> Answer:
    """Make what another caller gets of an answer, `age_s` seconds old, after `elapsed_s` seconds.

    It made no attempt and cost nothing, and there is no decision of its own to report on.
    """
    return Answer(
        answer.chosen,
        answer.decision,
        (),
        answer.candidates,
        elapsed_s,
        cache_age_s=age_s,
    )
