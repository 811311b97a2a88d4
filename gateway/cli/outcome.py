"""`ensemble outcome`: tell a running gateway what became of an answer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import known, print_json

NOTHING = (
    "nothing to report: give at least one of --compiled, --tests-passed with --tests-total, "
    "--accepted, --edit-distance, --reverted, --quality, --corrected"
)


def outcome(
    decision: Annotated[
        str,
        typer.Argument(
            metavar="DECISION_ID", help="From the answer or its error; - reads standard input."
        ),
    ],
    compiled: Annotated[
        bool | None, typer.Option("--compiled/--no-compiled", help="Whether it compiled.")
    ] = None,
    tests_passed: Annotated[int | None, typer.Option(min=0, help="Tests that passed.")] = None,
    tests_total: Annotated[int | None, typer.Option(min=0, help="Tests that ran.")] = None,
    accepted: Annotated[
        bool | None, typer.Option("--accepted/--no-accepted", help="Whether somebody took it.")
    ] = None,
    edit_distance: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="How much was changed: 0 nothing, 1 everything."),
    ] = None,
    reverted: Annotated[
        bool | None, typer.Option("--reverted/--no-reverted", help="Whether it was taken back.")
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="How good it was; counts before all of these."),
    ] = None,
    corrected: Annotated[
        str, typer.Option("--corrected", help="The endpoint that should have been chosen.")
    ] = "",
    endpoint: Annotated[
        str, typer.Option("--endpoint", help="Whose answer; else that of the one chosen first.")
    ] = "",
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Report what became of an answer, so that routing learns from it.

    What is not given stays unknown; a later report adds to an earlier one.
    """
    from ensemble_client import Client, OutcomeFields

    facts = OutcomeFields(
        compiled=compiled,
        tests_passed=tests_passed,
        tests_total=tests_total,
        accepted=accepted,
        edit_distance=edit_distance,
        reverted=reverted,
        quality=quality,
        corrected_endpoint=corrected,
    )
    if all(fact in {None, ""} for fact in facts.values()):
        fail(NOTHING, Exit.USAGE)
    facts["endpoint"] = endpoint
    if decision == "-":
        decision = sys.stdin.readline().strip()
    with exits(), Client(target) as client:
        now = client.record_outcome(decision, **facts, timeout=timeout)
    if as_json:
        print_json(now)
    else:
        print(f"{now.endpoint}: quality {known(now, 'quality', '.2f')}")
