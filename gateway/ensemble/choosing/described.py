"""What an operator may ask about the layers of the learned router."""

from __future__ import annotations

from gateway.core.value import value


@value
class LayerDescription:
    """One layer, and what it did since the start.

    `runs`: `inline`, `async` or `thread`. `threshold`: least confidence with which it decides, 0
    for one that only takes part. `errors` and `late` are among the `calls`; `mean_s` is their time.
    """

    name: str
    weight: float
    runs: str
    threshold: float
    calls: int
    errors: int
    late: int
    mean_s: float


@value
class LearnedDescription:
    """The layers in the order of the cascade, none where learning is off, and what they know."""

    layers: tuple[LayerDescription, ...]
    threshold_version: int
    observations: int
