"""Why a hole goes where it goes: everything that the router went by, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.cli.output import known, print_facts, print_table

if TYPE_CHECKING:
    from ensemble.v1 import decision_pb2 as pb
    from ensemble.v1.gateway_service_pb2 import RouteResponse

REASON_ROOM = 24
"""Columns that a reason needs at least, to be worth a column that is folded."""


def print_explanation(answer: RouteResponse) -> None:
    """Print why the winner won, the layers tried, the scores, and what they rest on."""
    decision = answer.decision
    print(f"\nwhy: {why(answer)}")
    if not decision.HasField("learned"):
        print_facts(list(_rule(decision)))
        return
    learned = decision.learned
    print_table(
        "\nlayers, in the order in which they are asked",
        ("layer", "status", "confidence", "needed", "endpoint", "ms", "reason"),
        [_layer(layer) for layer in learned.layers],
        {"reason": 100},
        REASON_ROOM,
    )
    if learned.scores:
        _print_scores(learned)
    print()
    print_facts([*_found(learned), *_rule(decision)])


def why(answer: RouteResponse) -> str:
    """Say in one sentence why the winner won."""
    winner, learned = answer.decision.primary, answer.decision.learned
    unsure = f"no layer was sure enough{_closest(learned)}"
    if answer.HasField("clarification"):
        return f"nobody won, for {unsure}; the rule says {winner}"
    if not answer.decision.HasField("learned"):
        return f"{winner} won by the rule; nothing learned was asked"
    by = learned.decided_by
    if by == "rules":
        return f"{winner} won by the rule, for {unsure}"
    for layer in learned.layers:
        if layer.layer == by and not layer.shadow:
            return _by_layer(winner, layer)
    return _by_policy(winner, learned)


def _by_policy(winner: str, learned: pb.LearnedDecision) -> str:
    by = learned.decided_by
    if by == "fusion":
        together = f"evidence {learned.evidence:.2f}, coverage {learned.coverage:.2f}"
        return f"{winner} won because the layers together are sure of it: {together}"
    if by == "objective":
        return f"{winner} won because it ranks first for the objective{_margin(learned)}"
    if by == "adaptive":
        return f"{winner} won because the adaptive policy drew it{_drawn(winner, learned)}"
    if by == "experiment":
        arms = ", ".join(f"{arm} of {name}" for name, arm in sorted(learned.arms.items()))
        return f"{winner} won because an arm of an experiment prefers it: {arms}"
    return f"{winner} won by {by}, which was {learned.confidence:.2f} sure"


def _by_layer(winner: str, layer: pb.RoutingLayer) -> str:
    other = f"; it named {layer.endpoint}" if layer.endpoint not in {"", winner} else ""
    reason = f": {layer.reason}" if layer.reason else ""
    enough = (
        f"and {layer.threshold:.2f} is enough"
        if layer.confidence >= layer.threshold
        else f"not the {layer.threshold:.2f} needed, and no layer is surer"
    )
    sure = f"{winner} won because {layer.layer} is {layer.confidence:.2f} sure"
    return f"{sure}, {enough}{other}{reason}"


def _closest(learned: pb.LearnedDecision) -> str:
    from ensemble.v1 import decision_pb2 as pb

    declined = [
        layer
        for layer in learned.layers
        if layer.status == pb.LAYER_STATUS_DECLINED and layer.endpoint and not layer.shadow
    ]
    if not declined:
        return ""
    layer = min(declined, key=lambda one: one.threshold - one.confidence)
    return (
        f"; {layer.layer} came closest, {layer.confidence:.2f} of the {layer.threshold:.2f} "
        f"needed, for {layer.endpoint}"
    )


def _margin(learned: pb.LearnedDecision) -> str:
    if not learned.scores:
        return ""
    first, *others = learned.scores
    words = f", with utility {first.utility:.3f}"
    return f"{words} before {others[0].utility:.3f} of {others[0].endpoint}" if others else words


def _drawn(winner: str, learned: pb.LearnedDecision) -> str:
    found = (one.propensity for one in learned.scores if one.endpoint == winner)
    return next((f", with probability {propensity:.3f}" for propensity in found), "")


def _layer(layer: pb.RoutingLayer) -> tuple[str, ...]:
    from ensemble.v1 import decision_pb2 as pb

    name = pb.LayerStatus.Name(layer.status).removeprefix("LAYER_STATUS_").lower()
    ran = layer.status not in {pb.LAYER_STATUS_SKIPPED, pb.LAYER_STATUS_UNAVAILABLE}
    topic = f"topic {layer.topic}" if layer.topic else ""
    return (
        layer.layer,
        f"{name} (shadow)" if layer.shadow else name,
        f"{layer.confidence:.2f}" if ran else "-",
        f"{layer.threshold:.2f}",
        layer.endpoint or "-",
        f"{layer.elapsed_s * 1000:.2f}" if ran else "-",
        "; ".join(words for words in (topic, layer.reason) if words),
    )


def _print_scores(learned: pb.LearnedDecision) -> None:
    print_table(
        "\nendpoints that the rule allows, best first",
        ("endpoint", "utility", "predicted quality", "gain", "propensity"),
        [
            (
                one.endpoint,
                f"{one.utility:.3f}",
                known(one, "quality", ".3f"),
                known(one, "gain", "+.3f"),
                f"{one.propensity:.3f}",
            )
            for one in learned.scores
        ],
    )
    factors = tuple(dict.fromkeys(name for one in learned.scores for name in sorted(one.factors)))
    if factors:
        print_table(
            "\ntheir factors before weighting, 0..1",
            ("endpoint", *factors),
            [
                (
                    one.endpoint,
                    *(
                        f"{one.factors[name]:.2f}" if name in one.factors else "-"
                        for name in factors
                    ),
                )
                for one in learned.scores
            ],
        )


def _found(learned: pb.LearnedDecision) -> Iterator[tuple[str, str]]:
    yield "features", _named(learned.features) or "none were read"
    if learned.hints:
        yield "hints", _named(learned.hints)
    if learned.lite:
        yield "lite", "the request asks for something small"
    yield (
        "prediction",
        (
            f"support {learned.support:.2f}, the rest is prior; "
            f"most similar request {learned.similarity:.2f}; "
            f"effective n {learned.effective_n:,.1f} of {learned.observations:,} outcomes"
        ),
    )
    for words in learned.predictions:
        yield "", words
    ambiguous = ", the second best is close" if learned.ambiguous else ""
    yield (
        "evidence",
        (
            f"{learned.evidence:.2f} for the winner, coverage {learned.coverage:.2f}, "
            f"level {learned.level or 'none'}{ambiguous}"
        ),
    )
    for layer in learned.layers:
        if layer.details:
            yield layer.layer, _named(layer.details)
    yield "experiments", _named(learned.arms) or "none"
    yield "thresholds", f"version {learned.threshold_version}"
    yield "time", f"{learned.elapsed_s * 1000:.2f} ms"


def _rule(decision: pb.RoutingDecision) -> Iterator[tuple[str, str]]:
    from ensemble.v1 import decision_pb2 as pb

    wanted = pb.Capability.Name(decision.capability).removeprefix("CAPABILITY_").lower()
    policy = pb.ChainPolicy.Name(decision.chain_policy).removeprefix("CHAIN_POLICY_").lower()
    yield (
        "rule",
        (
            f"wants {wanted if decision.capability else 'no capability'}, chain {policy}; "
            f"complexity {decision.complexity:.2f} by {decision.estimator}"
        ),
    )


def _named(words: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(words.items()) if value)
