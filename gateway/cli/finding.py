"""What one check of `ensemble doctor` found."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value


class State(StrEnum):
    """OK: as it should be. WARN: it works, and something is missing. FAIL: it does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@value
class Finding:
    """What a check found, and what to do about it; nothing when all is well."""

    check: str
    state: State
    found: str
    do: str = ""


def good(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, found)


def lacking(check: str, found: str, do: str) -> Finding:
    """It works, and something is missing."""
    return Finding(check, State.WARN, found, do)


def broken(check: str, found: str, do: str) -> Finding:
    """It does not work."""
    return Finding(check, State.FAIL, found, do)
