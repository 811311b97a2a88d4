"""What is predicted without a look at the words: by endpoint, kind of task, and length."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from gateway.core.experience import NEUTRAL, TaskRow, Trend
from gateway.core.memory import shrunk
from gateway.core.vocabulary import Floats
from gateway.learning.observed import Observed
from gateway.learning.settings import LearningSettings

NARROWEST = 0.1
"""Lengths count as spread by this much of a logarithm at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What `Experience` holds of the same names, and its prediction for the rows learned from.

    `expected` [rows, endpoints] is `Experience.prior` of each row.
    """

    neutral: float
    means: Floats
    outcomes: Floats
    trend: Trend
    table: dict[str, TaskRow]
    expected: Floats


def learn_prior(observed: Observed, settings: LearningSettings) -> Prior:
    """Learn from one or more rows."""
    outcomes: Floats = observed.known.sum(axis=0)
    sums: Floats = (observed.known * observed.scores).sum(axis=0)
    slack = np.float32(settings.mean_slack)
    neutral = (sums.sum() + slack * np.float32(NEUTRAL)) / (outcomes.sum() + slack)
    means: Floats = (sums + slack * neutral) / (outcomes + slack)
    expected: Floats = np.tile(means, (len(observed.features), 1))
    table: dict[str, TaskRow] = {}
    for task, rows in _rows_by_task(observed, settings):
        row = _task_row(observed.part(rows), means, settings)
        table[task] = row
        expected[rows] += np.float32(row.support) * (row.quality - means)
    trend = _trend(observed, means, settings)
    return Prior(float(neutral), means, outcomes, trend, table, expected)


def _rows_by_task(observed: Observed, settings: LearningSettings) -> list[tuple[str, list[int]]]:
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(observed.features):
        if one.task:
            rows[one.task].append(row)
    largest = sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))
    return largest[: settings.max_tasks]


def _task_row(part: Observed, means: Floats, settings: LearningSettings) -> TaskRow:
    level, deviations = shrunk(part.scores - means, part.known, settings.task_slack)
    requests = part.requests
    support = requests / (requests + settings.task_slack)
    return TaskRow(means + np.float32(level) + deviations, support, requests)


def _trend(observed: Observed, means: Floats, settings: LearningSettings) -> Trend:
    logs = np.log1p(np.array([one.length for one in observed.features], np.float32))
    centre, scale = float(logs.mean()), max(float(logs.std()), NARROWEST)
    reach = settings.trend_reach
    z: Floats = np.clip((logs - np.float32(centre)) / np.float32(scale), -reach, reach)
    # A slope is the mean of residual / z, weighed by z squared.
    weights = np.square(z)[:, np.newaxis] * observed.known
    divisors: Floats = np.where(z, z, np.float32(1.0))
    ratios: Floats = (observed.scores - means) / divisors[:, np.newaxis]
    level, deviations = shrunk(ratios, weights, settings.trend_slack)
    requests = observed.requests
    support = requests / (requests + settings.trend_slack)
    return Trend(centre, scale, reach, np.float32(level) + deviations, support)
