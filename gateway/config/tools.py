"""From settings to what runs and type-checks candidates."""

from __future__ import annotations

from gateway.config.checking import SandboxKind, TypeCheckerKind
from gateway.config.schema import Settings
from gateway.core.ports import Clock
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from gateway.sandbox.pyright import Pyright, find_pyright
from gateway.validation.late import Tools


def executor_of(settings: Settings, clock: Clock) -> BubblewrapExecutor | None:
    """Make the sandbox that the settings ask for, if any; nothing runs yet."""
    if settings.sandbox.kind is SandboxKind.NONE:
        return None
    return BubblewrapExecutor(settings.sandbox.options(), clock)


def tools_of(settings: Settings, executor: BubblewrapExecutor | None) -> Tools:
    """Say what the late checks may use."""
    checks = settings.checks
    types = None
    if checks.type_checker is TypeCheckerKind.PYRIGHT:
        types = Pyright(find_pyright(), longest_s=checks.type_timeout_s)
    return Tools(executor, types, checks.examples)
