"""How tokens are drawn: what the caller left open, and how best-of-N candidates differ."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.hole import Request, Sampling
from gateway.routing.tokens import max_tokens

DEFAULT_TEMPERATURE = 0.7
DEFAULT_TOP_P = 0.95
DEFAULT_TOP_K = 50
HOTTEST = 1.5

_SEEDS = 1 << 31
"""Derived seeds are below this number: every known endpoint takes a positive 32-bit integer."""


def temperature_for(complexity: float) -> float:
    """0.3 above 0.8, 0.5 above 0.5, else 0.7 (HS-16): the harder the hole, the less chance."""
    if complexity > 0.8:  # noqa: PLR2004 - the formula's own number
        return 0.3
    return 0.5 if complexity > 0.5 else DEFAULT_TEMPERATURE  # noqa: PLR2004 - as above


def plan_sampling(request: Request, endpoint: Endpoint, complexity: float) -> Sampling:
    """Fill in what the caller left open; the caller's values always win.

    The seed stays open unless given. So does `top_k` towards OpenAI-compatible servers, whose
    protocol has no such field.
    """
    asked = request.sampling
    top_k = None if endpoint.protocol is Protocol.OPENAI else DEFAULT_TOP_K
    return Sampling(
        max_tokens=max_tokens(request, endpoint),
        temperature=temperature_for(complexity) if asked.temperature is None else asked.temperature,
        top_p=DEFAULT_TOP_P if asked.top_p is None else asked.top_p,
        top_k=top_k if asked.top_k is None else asked.top_k,
        seed=asked.seed,
        stop=asked.stop,
    )


def spread(sampling: Sampling, index: int, n: int, *, request: Request | None = None) -> Sampling:
    """Sampling of candidate `index` of `n`, so that no two candidates are the same draw (E-07).

    Candidate 0 keeps the planned `sampling`. Every other one gets a seed of its own, computed from
    the planned seed or else from the id of the `request`, so that the same request draws the same
    candidates again. The others are also spread in temperature, evenly from half of the planned
    one to 0.6 above it, at most 1.5, the last one the hottest; only the request tells whether its
    caller fixed the temperature, so without a request, as with a fixed temperature, all keep it.
    Raises ValueError for an index outside 0..n-1.
    """
    if not 0 <= index < n:
        raise ValueError(f"candidate {index} is not one of {n}")
    if index == 0:
        return sampling
    seed = _seed(sampling.seed, "" if request is None else request.request_id, index)
    if request is None or request.sampling.temperature is not None:
        return replace(sampling, seed=seed)
    planned = DEFAULT_TEMPERATURE if sampling.temperature is None else sampling.temperature
    low, high = planned / 2, min(planned + 0.6, HOTTEST)
    return replace(sampling, seed=seed, temperature=round(low + (high - low) * index / (n - 1), 4))


def drawn_again(sampling: Sampling, turn: int, key: str) -> Sampling:
    """Sampling of another try at the same text, so that it is not the same draw.

    `turn` counts the tries before it, of which the first, 0, keeps the planned seed; `key` stands
    in for a seed that was left open, so that the same request draws the same again.
    """
    return replace(sampling, seed=_seed(sampling.seed, key, turn)) if turn else sampling


def _seed(planned: int | None, key: str, index: int) -> int:
    """Step by an odd number modulo a power of two, which meets no number twice."""
    digest = sha256((key if planned is None else str(planned)).encode()).digest()
    step = int.from_bytes(digest[:4], "big") | 1
    start = int.from_bytes(digest[4:8], "big") if planned is None else planned
    return (start + index * step) % _SEEDS
