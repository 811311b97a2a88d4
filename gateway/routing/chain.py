"""In which order endpoints are tried, once a rule has said what is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.decision import ChainPolicy, RoutingReason
from gateway.core.endpoint import Endpoint
from gateway.core.value import value
from gateway.routing.rules import Rule


@value
class Chain:
    """The primary and its fallbacks, which rule's outcome that is, and how it came in words."""

    primary: str
    fallbacks: tuple[str, ...]
    reason: RoutingReason
    words: str


def build_chain(ranked: Sequence[Endpoint], default: str, rule: Rule) -> Chain | None:
    """Order the eligible endpoints for a rule (R-03, R-05, R-07).

    `ranked` is in the router's order (priority, cost, name), which is kept within each part:

    - endpoints with the wanted capability, then, unless the policy is STRICT, all others;
    - when none has it, or the rule wants none: the default endpoint if eligible, then all others.

    Returns None when nothing may be called: no endpoint is eligible, or under STRICT none has the
    capability, for a STRICT chain never leaves it.
    """
    capable: list[str] = []
    others: list[str] = []
    for endpoint in ranked:
        wanted = rule.capability is not None and rule.capability in endpoint.capabilities
        (capable if wanted else others).append(endpoint.name)
    strict = rule.policy is ChainPolicy.STRICT
    if capable:
        names = capable if strict else capable + others
        words = f"{names[0]!r} is the first endpoint with {rule.capability}"
        return _chain(names, rule.match, words)
    if not others or strict:
        return None
    if default in others:
        others.remove(default)
        others.insert(0, default)
        choice = f"the default endpoint {default!r} is taken"
    else:
        choice = f"{others[0]!r} is taken, for the default endpoint {default!r} is not eligible"
    if rule.capability is not None:
        choice = f"no eligible endpoint has {rule.capability}, so {choice}"
    return _chain(others, rule.no_match, choice)


def _chain(names: list[str], reason: RoutingReason, words: str) -> Chain:
    return Chain(names[0], tuple(names[1:]), reason, words)
