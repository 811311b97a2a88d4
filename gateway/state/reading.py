"""What the guards tell operators: copies of one moment, in the shape of the admin answers."""

from __future__ import annotations

from gateway.core.value import value

NOT_ENOUGH_CALLS = -1.0
"""A rate of a window that has too few calls to tell."""


@value
class EndpointReading:
    """How one endpoint does now. The defaults are those of an endpoint that nothing guards.

    `breaker`: a word of `BreakerState`, empty without a breaker. `failure_rate` and `slow_rate`:
    0..1 over its window, NOT_ENOUGH_CALLS while it cannot tell. `health`: `unknown`, `serving` or
    `not_serving`. `concurrency_limit`: calls at once that the gate allows now, 0 = no limit.
    `not_permitted` and `saturated` count the calls turned away since the start, by the breaker
    and by the gate.
    """

    breaker: str = ""
    failure_rate: float = NOT_ENOUGH_CALLS
    slow_rate: float = NOT_ENOUGH_CALLS
    not_permitted: int = 0
    health: str = "unknown"
    ejected: bool = False
    warming_up: bool = False
    in_flight: int = 0
    concurrency_limit: int = 0
    waiting: int = 0
    saturated: int = 0


@value
class GuardCounters:
    """What the guards did since the start; `queued` alone is of this moment.

    `retries`: tries after the first on the same endpoint. `hedges`: second calls beside a slow
    one; `hedge_wins`: those that answered first. `shed`: requests turned away. `replayed`:
    requests answered by another one with the same id.
    """

    retries: int = 0
    hedges: int = 0
    hedge_wins: int = 0
    shed: int = 0
    queued: int = 0
    replayed: int = 0
