"""How the ensemble works when the request does not say."""

from __future__ import annotations

from dataclasses import field

from gateway.core.value import value
from gateway.ensemble.hold import HoldSettings


@value
class EnsembleSettings:
    """The configuration of the ensemble (E-01).

    `max_attempts` is the number of endpoints tried in sequence, the primary included (E-04).
    `best_of_n` is None for sequential fallback, else the most candidates; `in_flight` of them are
    asked for at once. `hold` says how much of a stream is kept back before the caller sees any.
    `min_confidence` is what a fill of a refinement needs at least, 0..1. `margin` is the share,
    0..1, of what other candidates could still reach that the leading one must exceed before no more
    are asked for; 1 = only when the choice is certain.
    """

    fallback_enabled: bool = True
    max_attempts: int = 3
    best_of_n: int | None = None
    default_deadline_s: float = 300.0
    hold: HoldSettings = field(default=HoldSettings())
    in_flight: int = 4
    min_confidence: float = 0.6
    margin: float = 1.0
