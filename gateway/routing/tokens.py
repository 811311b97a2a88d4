"""How many tokens a hole reads and writes (HS-17). Estimates only; no tokenizer is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.endpoint import Endpoint
from gateway.core.hole import Hole, HoleKind, Request
from gateway.routing.traits import traits_of

BYTES_PER_TOKEN = 3
"""Code has three to four bytes a token in common vocabularies; the smaller number is the safe one.

Counted in UTF-8, so that a Chinese character, mostly one token, counts as one.
"""

PROMPT_OVERHEAD = 64
"""Tokens that the prompt template adds around the caller's own words."""

LARGEST_ESTIMATE = 2048
"""Cap of the estimate, and the floor of holes that are larger than a function."""

SCALE_FLOOR: Mapping[HoleKind, int] = MappingProxyType(
    {
        HoleKind.UNSPECIFIED: 256,
        HoleKind.EXPRESSION: 64,
        HoleKind.STATEMENT: 256,
        HoleKind.BLOCK: 512,
        HoleKind.FUNCTION: 1024,
        HoleKind.MODULE: LARGEST_ESTIMATE,
        HoleKind.SPECIFICATION: LARGEST_ESTIMATE,
    }
)
"""Fewest tokens to allow for a hole of each size."""


def prompt_tokens(hole: Hole) -> int:
    """Estimated tokens of everything that a model reads: code, description and words."""
    spec = hole.spec
    size = _bytes(hole.prompt) + _bytes(hole.suffix)
    if spec.expected_type is not None:
        size += _bytes(spec.expected_type)
    if spec.origin is not None:
        size += _bytes(spec.origin.file) + _bytes(spec.origin.intent)
    for fill in spec.fill_constraints:
        size += _bytes(fill.kind) + _bytes(fill.value)
    for constraint in hole.constraints:
        size += _bytes(constraint.name) + _bytes(constraint.rich_context)
    return PROMPT_OVERHEAD + -(-size // BYTES_PER_TOKEN)


def fill_estimate(hole: Hole) -> int:
    """Estimated tokens of the fill: the larger of what its size and its description ask for.

    By description: 256, + 128 with a schema, + 256 with a grammar, + 32 for each constraint, at
    most 2048.
    """
    traits = traits_of(hole)
    described = 256 + 32 * traits.count
    if traits.schemas:
        described += 128
    if traits.grammar:
        described += 256
    return max(SCALE_FLOOR[hole.spec.kind], min(described, LARGEST_ESTIMATE))


def least_tokens(request: Request) -> int:
    """Tokens that an endpoint must at least have room for, beside the prompt.

    The caller's `max_tokens` or else the floor of the hole's size, within the budget.
    """
    asked = request.sampling.max_tokens
    return _within_budget(SCALE_FLOOR[request.hole.spec.kind] if asked is None else asked, request)


def max_tokens(request: Request, endpoint: Endpoint) -> int:
    """Most tokens that the endpoint may write for the request, at least 1.

    The caller's `max_tokens` wins over the estimate; only the caller's own budget lowers it. The
    estimate is also lowered to the room that the prompt leaves in the endpoint's context.
    """
    asked = request.sampling.max_tokens
    if asked is not None:
        return _within_budget(asked, request)
    allowed = fill_estimate(request.hole)
    if endpoint.max_context > 0:
        allowed = min(allowed, endpoint.max_context - prompt_tokens(request.hole))
    return _within_budget(allowed, request)


def _within_budget(tokens: int, request: Request) -> int:
    limit = request.budget.max_tokens
    return max(1, tokens if limit is None else min(tokens, limit))


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
