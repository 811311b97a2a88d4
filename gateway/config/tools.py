"""From settings to what runs and type-checks candidates; loaded only where it is asked for."""

from __future__ import annotations

from gateway.config.checking import SandboxKind, TypeCheckerKind
from gateway.config.schema import Settings
from gateway.core.ports import Clock
from gateway.core.running import Executor, Sandbox, TypeChecker
from gateway.validation.late import Tools


def sandbox_of(settings: Settings, clock: Clock) -> Sandbox | None:
    """Make the sandbox that the settings ask for, if any; nothing runs yet."""
    if settings.sandbox.kind is SandboxKind.NONE:
        return None
    from gateway.sandbox.bubblewrap import BubblewrapExecutor  # noqa: PLC0415 - idle memory

    return BubblewrapExecutor(settings.sandbox.options(), clock)


def tools_of(settings: Settings, executor: Executor | None) -> Tools:
    """Say what the late checks may use."""
    return Tools(executor, _type_checker(settings), settings.checks.examples)


def _type_checker(settings: Settings) -> TypeChecker | None:
    if settings.checks.type_checker is TypeCheckerKind.NONE:
        return None
    from gateway.sandbox.pyright import Pyright, find_pyright  # noqa: PLC0415 - idle memory

    return Pyright(find_pyright(), longest_s=settings.checks.type_timeout_s)
