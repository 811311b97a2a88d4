"""Secrets by reference: the file names where a token is, never the token."""

from __future__ import annotations

import os
from pathlib import Path


def secret_problem(reference: str) -> str:
    """Say why a reference cannot be followed; empty when it can. Never repeats a secret."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name not in os.environ:
            return f"environment variable {name} is not set"
        return "" if os.environ[name] else f"environment variable {name} is empty"
    try:
        return "" if Path(name).read_text(encoding="utf-8").strip() else f"{name} is empty"
    except (OSError, UnicodeDecodeError) as error:
        return f"{name} cannot be read: {type(error).__name__}"


def resolve(reference: str | None) -> str | None:
    """Follow a reference that `secret_problem` found good. None stays None."""
    if reference is None:
        return None
    kind, _, name = reference.partition(":")
    return os.environ[name] if kind == "env" else Path(name).read_text(encoding="utf-8").strip()
