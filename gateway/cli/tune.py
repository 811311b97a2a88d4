"""`ensemble tune`: look at thresholds and experiments, and put better thresholds in force."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import exits
from gateway.cli.options import (
    DEFAULT_TARGET,
    DEFAULT_TIMEOUT,
    AsJson,
    Target,
    Timeout,
    WindowHours,
    seconds,
)
from gateway.cli.output import known, print_json, print_table
from gateway.cli.thresholds import print_changes, print_difference, print_proposal, print_sets
from gateway.cli.waiting import waiting

if TYPE_CHECKING:
    from ensemble.v1 import feedback_service_pb2 as pb

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it; else only show what would change.")]

app = typer.Typer(no_args_is_help=True, help="Show, propose, apply and take back thresholds.")


@app.command()
def show(
    version: Annotated[int, typer.Argument(min=0, help="0 is the one in force.")] = 0,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show the thresholds in force and those before, or one version."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        found = client.thresholds(version, timeout=timeout)
    if as_json:
        print_json(found)
        return
    if version:
        force = "in force" if found.set.in_force else "not in force"
        print_sets(f"version {found.set.version}, {force}", [found.set])
        return
    older = [one for one in found.history if one.version != found.set.version]
    print_sets(f"version {found.set.version} is in force (*)", [found.set, *older])
    if found.changes:
        print_changes(found.changes)


@app.command()
def propose(
    window_h: WindowHours = None,
    step: Annotated[
        float | None, typer.Option(max=0.5, help="Most that a threshold may change by.")
    ] = None,
    train_head: Annotated[bool, typer.Option("--train-head", help="Train a head as well.")] = False,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Work out better thresholds; nothing that decides changes."""
    from ensemble_client import Client

    with exits(), Client(target) as client, waiting("reading outcomes"):
        proposal = client.propose_thresholds(
            seconds(window_h), step, train_head=train_head, timeout=timeout
        )
    if as_json:
        print_json(proposal)
    else:
        print_proposal(proposal)
    if proposal.changed:
        command = f"ensemble tune apply {proposal.set.version} --yes{_at(target)}"
        print(f"nothing was changed; to put it in force: {command}", file=sys.stderr)


@app.command()
def apply(
    version: Annotated[int, typer.Argument(min=1, help="Of a proposal, or an earlier one.")],
    yes: Yes = False,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show what a version would change; with --yes put it in force."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        answer = client.apply_thresholds(version, validate_only=not yes, timeout=timeout)
    _tell(answer, done=yes, as_json=as_json)


@app.command()
def rollback(
    yes: Yes = False,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show what the version before would change; with --yes go back."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        answer = client.rollback_thresholds(validate_only=not yes, timeout=timeout)
    _tell(answer, done=yes, as_json=as_json)


@app.command()
def experiments(
    target: Target = DEFAULT_TARGET, timeout: Timeout = DEFAULT_TIMEOUT, as_json: AsJson = False
) -> None:
    """Show each experiment with its arms."""
    from ensemble.v1 import feedback_service_pb2
    from ensemble_client import Client

    with exits(), Client(target) as client:
        found = client.experiments(timeout=timeout)
    if as_json:
        print_json(feedback_service_pb2.ListExperimentsResponse(experiments=found))
        return
    if not found:
        print("no experiments are configured")
    for place, one in enumerate(found):
        print("\n" if place else "", end="")
        _print_experiment(one)


def _tell(
    answer: pb.ApplyThresholdsResponse | pb.RollbackThresholdsResponse, *, done: bool, as_json: bool
) -> None:
    if as_json:
        print_json(answer)
    else:
        print_difference(answer.before, answer.after)
    version = answer.after.version
    if version == answer.before.version:
        words = f"nothing was changed; version {version} is in force already"
    elif done:
        words = f"version {version} is in force"
    else:
        words = f"nothing was changed; add --yes to put version {version} in force"
    print(words, file=sys.stderr)


def _at(target: str) -> str:
    return "" if target == DEFAULT_TARGET else f" --target {shlex.quote(target)}"


def _print_experiment(one: pb.Experiment) -> None:
    reason = f" ({one.reason})" if one.reason else ""
    print_table(
        f"{one.name}: {one.status}{reason}; {one.share:.0%} of traffic, by {one.unit}",
        ("arm", "role", "weight", "exposures", "labelled", "quality", "harm e-value", "agreement"),
        [
            (
                arm.arm,
                "control" if arm.control else "shadow" if arm.shadow else "treatment",
                f"{arm.weight:g}",
                str(arm.exposures),
                str(arm.labelled),
                known(arm, "mean_quality", ".3f"),
                f"{arm.harm_evidence:.2f}",
                known(arm, "agreement", ".1%"),
            )
            for arm in one.arms
        ],
    )
