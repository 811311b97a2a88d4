"""Past requests with outcomes, from worlds in which it is known who is good at what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.core.experience import Observation
from gateway.core.features import Features
from gateway.core.hole import Hole, HoleOrigin, HoleSpec, Request
from gateway.features.lexical import TASK_LABEL, lexical_features

_EASY = "print greeting string join format label title message banner prefix"
_HARD = "thread lock deadlock barrier semaphore atomic queue scheduler mutex spinlock"
_OTHER = "invoice ledger payroll tariff customs freight audit pension dividend levy"
EASY, HARD, OTHER = (tuple(words.split()) for words in (_EASY, _HARD, _OTHER))
"""Words of three kinds of requests."""


def request(text: str, *, task: str = "", suffix: str = "", intent: str = "") -> Request:
    """Make a request with these words."""
    spec = HoleSpec(language="python", origin=HoleOrigin(intent=intent) if intent else None)
    labels = ((TASK_LABEL, task),) if task else ()
    return Request(Hole(text, suffix, spec), request_id="r", labels=labels)


def asked(text: str, *, task: str = "") -> Features:
    """Compute the features of a request with these words."""
    return lexical_features(request(text, task=task))


def past(text: str, *, task: str = "", at: float = 0.0, **scores: float) -> Observation:
    """Make an observation; endpoints are named by keyword."""
    return Observation(asked(text, task=task), tuple(scores.items()), at)


def sentence(words: Sequence[str], seed: int, length: int = 6) -> str:
    """Draw some words."""
    return " ".join(np.random.default_rng(seed).choice(words, length).tolist())


def two_kinds(count: int, *, single: bool = False, named: bool = False) -> list[Observation]:
    """Easy requests, which both endpoints fill, and hard ones, which only `strong` fills.

    With `single` each request has the outcome of one of them, by turns.
    """
    found: list[Observation] = []
    for number in range(count):
        hard = number % 2 == 1
        scores = {"strong": 1.0, "weak": 0.0 if hard else 1.0}
        if single:
            name = ("strong", "weak")[number // 2 % 2]
            scores = {name: scores[name]}
        task = ("hard" if hard else "easy") if named else ""
        text = sentence(HARD if hard else EASY, number)
        found.append(past(text, task=task, at=float(number), **scores))
    return found
