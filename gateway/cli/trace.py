"""`ensemble trace`: fill a hole and see everything that happened on the way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json
from gateway.cli.recorded_trace import write_recorded
from gateway.cli.request import Language, Prompt, RequestFile, Suffix, read_request
from gateway.cli.showing_trace import print_trace
from gateway.cli.steering import Mode, Objective, Task, steer


def trace(
    prompt: Prompt = None,
    suffix: Suffix = "",
    language: Language = "",
    request: RequestFile = None,
    objective: Objective = None,
    mode: Mode = None,
    task: Task = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Stop before the first call to an endpoint.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Also write request and trace here, for `ensemble replay`."),
    ] = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Fill one hole and print its stages, their times, and why they went so.

    The fill goes to standard output after the tree. The file of --save holds the whole request.
    """
    from ensemble_client import Client

    message = read_request(request, prompt, suffix, language)
    steer(message, objective, mode, task)
    with exits(), Client(target) as client:
        answer = client.trace(message, dry_run=dry_run, timeout=timeout)
    if save is not None:
        write_recorded(save, message, answer)
    if as_json:
        print_json(answer)
    else:
        print_trace(answer.trace)
        if answer.HasField("response"):
            print(answer.response.text)
    if answer.HasField("failure"):
        sys.stdout.flush()
        failure = answer.failure
        fail(f"{failure.message} ({failure.detail.reason})", Exit.FAILED)
