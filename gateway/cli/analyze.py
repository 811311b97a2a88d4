"""`ensemble analyze`: how routing did, and what another policy would have earned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.golden import judge_golden
from gateway.cli.options import (
    DEFAULT_TARGET,
    DEFAULT_TIMEOUT,
    AsJson,
    Target,
    Timeout,
    WindowHours,
    seconds,
)
from gateway.cli.output import known, print_facts, print_json, print_table
from gateway.cli.source import text_of
from gateway.cli.waiting import waiting

if TYPE_CHECKING:
    from ensemble.v1 import feedback_service_pb2 as pb


def analyze(
    window_h: WindowHours = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Judge this policy (TOML) instead; - reads standard input."),
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option("--golden", help="Judge the routes of this file (JSON lines) instead."),
    ] = None,
    recommendations: Annotated[
        bool, typer.Option("--recommendations/--no-recommendations", help="Say what to do.")
    ] = True,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Sum up how each layer and each endpoint did; or judge a policy by recorded decisions.

    With --policy the exit code is 5 when the log cannot support an answer. With --golden the
    gateway routes requests of which somebody said where they should go.
    """
    from ensemble_client import Client

    if policy is not None and golden is not None:
        fail("--policy and --golden ask two different questions: choose one", Exit.USAGE)
    if golden is not None:
        judge_golden(text_of(golden), target, timeout, as_json=as_json)
        return
    if policy is not None:
        _judge(text_of(policy), window_h, target, timeout, as_json=as_json)
        return
    with exits(), Client(target) as client, waiting("reading decisions"):
        analysis = client.analyze_routing(seconds(window_h), timeout=timeout)
    if not recommendations:
        analysis.ClearField("recommendations")
    if as_json:
        print_json(analysis)
    else:
        _print_analysis(analysis)


def _judge(
    text: str, window_h: float | None, target: str, timeout: float, *, as_json: bool
) -> None:
    from ensemble_client import Client

    with exits(), Client(target) as client, waiting("reading decisions"):
        evaluation = client.evaluate_policy(text, seconds(window_h), timeout=timeout)
    if as_json:
        print_json(evaluation)
    else:
        _print_evaluation(evaluation)
    if not evaluation.supported:
        fail("the log cannot support an answer; do not go by the estimates", Exit.PARTIAL)


def _print_evaluation(evaluation: pb.EvaluatePolicyResponse) -> None:
    print_table(
        "mean quality of the policy, 0..1, with 95% intervals",
        ("method", "estimate", "low", "high", "logged", "difference"),
        [
            (
                one.method,
                f"{one.value:.3f}",
                f"{one.low:.3f}",
                f"{one.high:.3f}",
                f"{evaluation.logged_value:.3f}",
                f"{one.value - evaluation.logged_value:+.3f}",
            )
            for one in evaluation.estimates
        ],
    )
    print()
    print_facts(
        [
            ("logged", f"{evaluation.logged_value:.3f}, the mean quality of what was really done"),
            ("decisions", f"{evaluation.decisions:,} with a known outcome"),
            ("effective n", f"{evaluation.effective_sample_size:,.1f} decisions after weighting"),
            ("support", f"{evaluation.support:.1%} of the policy's choices have been tried"),
            ("all known", f"{evaluation.known_share:.1%} have an outcome of every endpoint"),
            ("cut", f"{evaluation.clipped} weights, so that a few decisions do not decide alone"),
            *_prices(evaluation),
            ("verdict", evaluation.verdict),
        ]
    )


def _prices(evaluation: pb.EvaluatePolicyResponse) -> list[tuple[str, str]]:
    """Say what the policy's choices cost beside the logged ones, where the log knows prices."""
    if not evaluation.HasField("cost_micros_per_1k"):
        return []
    ours, logged = evaluation.cost_micros_per_1k, evaluation.logged_cost_micros_per_1k
    return [("price", f"{ours / 1e6:.4f} for 1,000 tokens on average; logged {logged / 1e6:.4f}")]


def _print_analysis(analysis: pb.AnalyzeRoutingResponse) -> None:
    print_table(_title(analysis), LAYER_COLUMNS, [_layer(one) for one in analysis.layers])
    print_table(
        "\nendpoints",
        ("endpoint", "chosen", "labelled", "quality", "low", "high"),
        [
            (
                one.endpoint,
                str(one.chosen),
                str(one.labelled),
                known(one, "mean_quality", ".3f"),
                *(f"{end:.3f}" if one.labelled else "-" for end in (one.low, one.high)),
            )
            for one in analysis.endpoints
        ],
    )
    print()
    print_facts(
        [("alert", words) for words in analysis.alerts]
        + [("recommended", words) for words in analysis.recommendations]
        or [("alert", "none")]
    )


def _title(analysis: pb.AnalyzeRoutingResponse) -> str:
    return (
        f"{analysis.decisions:,} decisions, {analysis.labelled:,} with a known outcome: "
        f"accuracy {known(analysis, 'accuracy', '.1%')}\n"
        f"{analysis.corrected:.1%} corrected, {analysis.clarified:.1%} needed clarification\n"
        f"thresholds version {analysis.threshold_version}, {analysis.observations:,} observations "
        f"learned, {analysis.events_dropped:,} events dropped"
    )


LAYER_COLUMNS = (
    "layer",
    "ran",
    "decided",
    "capture",
    "confidence",
    "mean ms",
    "accuracy",
    "labelled",
    "missed",
    "wrong",
)


def _layer(one: pb.LayerReport) -> tuple[str, ...]:
    return (
        one.layer,
        str(one.attempts),
        str(one.decided),
        f"{one.capture:.1%}",
        f"{one.mean_confidence:.2f}" if one.attempts else "-",
        f"{one.mean_elapsed.ToNanoseconds() / 1e6:.2f}" if one.attempts else "-",
        known(one, "accuracy", ".1%"),
        str(one.labelled),
        str(one.missed),
        str(one.false_positives),
    )
