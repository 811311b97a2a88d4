"""`ensemble doctor`: what is wrong with a configuration and a running gateway, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits
from gateway.cli.options import DEFAULT_TARGET, AsJson, ConfigFile
from gateway.cli.output import print_document, print_table

if TYPE_CHECKING:
    from gateway.cli.finding import Finding
    from gateway.config.schema import Settings

TIMEOUT_S = 5.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - to connect, not to listen
"""Where to connect to a gateway that listens on every address."""


def doctor(
    config: ConfigFile = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            envvar="ENSEMBLE_TARGET",
            help="Address of the gateway, host:port; else that of the configuration.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, help="Longest time of one question.")
    ] = TIMEOUT_S,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check the configuration only.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a configuration and the gateway that runs with it; exit code 1 if any check fails.

    Files and folders are looked at as the user of this command: run it as the gateway's.
    """
    from gateway.cli.finding import State

    with exits():
        found = list(_findings(config, target, timeout, offline=offline))
    if as_json:
        print_document({"ok": _worst(found) is not State.FAIL, "checks": list(map(_row, found))})
    else:
        _print(found)
    if _worst(found) is State.FAIL:
        raise typer.Exit(Exit.FAILED)


def _findings(
    config: Path | None, target: str | None, timeout: float, *, offline: bool
) -> Iterator[Finding]:
    from gateway.cli.doctor_config import config_findings
    from gateway.cli.finding import broken, good
    from gateway.config.load import default_path, load
    from gateway.config.problems import ConfigError

    path, settings = config or default_path(), None
    try:
        settings = load(path)
    except ConfigError as error:
        for problem in error.problems:
            yield broken("configuration", f"{problem.path}: {problem.why}", problem.mend)
    if settings is not None:
        yield good("configuration", f"{path}: good, {len(settings.endpoint)} endpoints")
        yield from config_findings(settings)
    if not offline:
        from gateway.cli.doctor_gateway import gateway_findings

        yield from gateway_findings(target or _target_of(settings), timeout)


def _target_of(settings: Settings | None) -> str:
    """Say where the gateway of a configuration is to be found; a free port cannot be known."""
    if settings is None or not settings.server.port:
        return DEFAULT_TARGET
    host = settings.server.host
    return f"{EVERYWHERE.get(host, host)}:{settings.server.port}"


def _worst(found: Sequence[Finding]) -> str:
    from gateway.cli.finding import State

    return max((one.state for one in found), key=list(State).index)


def _row(one: Finding) -> dict[str, str]:
    return {"check": one.check, "state": one.state, "found": one.found, "do": one.do}


def _print(found: Sequence[Finding]) -> None:
    from gateway.cli.finding import State

    counts = ", ".join(f"{sum(one.state is state for one in found)} {state}" for state in State)
    rows = [tuple(_row(one).values()) for one in found]
    print_table(f"{len(found)} checks: {counts}", ("check", "state", "found", "what to do"), rows)
