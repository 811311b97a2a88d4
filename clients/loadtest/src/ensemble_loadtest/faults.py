"""What the harness refuses before anything is sent."""

from __future__ import annotations


class PlanError(Exception):
    """A run that cannot be made as it was asked for; the words name the option and the way out."""


class UnreachableError(Exception):
    """Nobody answers at the target; the words say where and why."""
