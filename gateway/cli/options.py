"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    str,
    typer.Option(
        "--target", "-t", envvar="ENSEMBLE_TARGET", help="Address of a running gateway, host:port."
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.001, help="Longest time of the command, in seconds.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="ENSEMBLE_CONFIG", help="Configuration file (TOML)."),
]
WindowHours = Annotated[
    float | None,
    typer.Option(
        "--window-h", min=0.001, help="How far back to look, in hours; else as configured."
    ),
]

DEFAULT_TARGET = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 60.0


def seconds(hours: float | None) -> float | None:
    """Write a span of hours in seconds."""
    return None if hours is None else hours * 3600
