"""Recorded outcomes of real models for routing, and how they are divided to learn and to judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.experience import Observation
from gateway.core.features import Features
from gateway.core.hole import Hole, Request
from gateway.features.lexical import TASK_LABEL, lexical_features
from tests.eval.recorded import rows

FOLDS, DOMAINS, SPLITS, SEED = 5, 11, 10, 2026
"""Domains held out at a time, in so many seeded splits."""

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One data set: `scores` [rows, endpoints]; `groups`: task or domain of each row."""

    features: tuple[Features, ...]
    prompts: tuple[str, ...]
    groups: NDArray[np.str_]
    endpoints: tuple[str, ...]
    scores: Vector

    def observations(self, chosen: Mask) -> list[Observation]:
        """Return the rows to learn from."""
        return [
            Observation(
                self.features[row], tuple(zip(self.endpoints, self.scores[row], strict=True))
            )
            for row in np.flatnonzero(chosen).tolist()
        ]

    def singles(self, chosen: Mask) -> list[Observation]:
        """Return them with the outcome of one endpoint each, drawn by seed, as traffic has it."""
        rng = np.random.default_rng(SEED)
        return [
            Observation(one.features, (one.scores[int(rng.integers(len(one.scores)))],))
            for one in self.observations(chosen)
        ]


def features_of(prompt: str, task: str = "") -> Features:
    """Compute the features of a prompt as a request has them."""
    labels = ((TASK_LABEL, task),) if task else ()
    return lexical_features(Request(hole=Hole(prompt=prompt), request_id="", labels=labels))


def mmlu() -> Recorded:
    """Read the pair of a strong and a weak model."""
    found = list(rows("../routing/routellm_mmlu.jsonl.gz"))
    return Recorded(
        tuple(features_of(one["prompt"]) for one in found),
        tuple(one["prompt"] for one in found),
        np.array([one["domain"] for one in found]),
        ("strong", "weak"),
        np.array([(one["strong"], one["weak"]) for one in found], float),
    )


def nine(*, named: bool) -> Recorded:
    """Read the nine models on fourteen tasks, with or without the name of the task."""
    found = list(rows("../routing/llmrouter_9models.jsonl.gz"))
    endpoints = tuple(sorted(found[0]["scores"]))
    return Recorded(
        tuple(features_of(one["question"], one["task"] if named else "") for one in found),
        tuple(one["question"] for one in found),
        np.array([one["task"] for one in found]),
        endpoints,
        np.array([[one["scores"][name] for name in endpoints] for one in found], float),
    )


def livecodebench() -> Recorded:
    """Read the pair of which the cheaper one is better."""
    found = list(rows("../routing/livecodebench_o1_pair.jsonl.gz"))
    endpoints = ("o1-mini", "o1-preview")
    prompts = tuple(f"{one['prompt']}\n{one['starter_code']}" for one in found)
    return Recorded(
        tuple(features_of(prompt) for prompt in prompts),
        tuple(one["prompt"] for one in found),
        np.array([one["difficulty"] for one in found]),
        endpoints,
        np.array([[one["outcome"][name] for name in endpoints] for one in found], float),
    )


def folds(data: Recorded) -> list[Mask]:
    """Divide the rows into test sets; equal prompts stay together."""
    prompts = sorted(set(data.prompts))
    order = np.random.default_rng(SEED).permutation(len(prompts)) % FOLDS
    fold = dict(zip(prompts, order.tolist(), strict=True))
    of = np.array([fold[prompt] for prompt in data.prompts])
    return [of == number for number in range(FOLDS)]


def domain_splits(data: Recorded) -> list[Mask]:
    """Hold eleven domains out at a time."""
    rng = np.random.default_rng(SEED)
    domains = sorted(set(data.groups.tolist()))
    found: list[Mask] = []
    while len(found) < SPLITS:
        order = rng.permutation(domains)
        found += [
            np.isin(data.groups, order[at : at + DOMAINS])
            for at in range(0, len(domains) - DOMAINS + 1, DOMAINS)
        ]
    return found[:SPLITS]


def task_splits(data: Recorded) -> list[Mask]:
    """Hold one task out at a time."""
    return [data.groups == task for task in sorted(set(data.groups.tolist()))]
