"""Exit codes, and the one place that turns an error into one."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """What a command's exit code means; docs/errors.md lists them.

    PARTIAL: a part of the work was not done.
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    PARTIAL = 5
    AUTH = 6
    OVERLOADED = 75
    DEADLINE = 124
    INTERRUPTED = 130


def fail(message: str, code: Exit) -> NoReturn:
    """Say what went wrong on standard error and leave."""
    print(f"ensemble: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def exits() -> Generator[None]:
    """Turn every expected error of a command into a message and an exit code."""
    from ensemble_client import EnsembleError

    from gateway.config.problems import ConfigError
    from gateway.core.faults import Fault, Kind
    from gateway.core.stores import StoreError
    from gateway.ingress.listener import ListenError

    try:
        yield
    except ConfigError as error:
        fail(str(error), Exit.CONFIG)
    except (ListenError, StoreError) as error:
        fail(str(error), Exit.FAILED)
    except EnsembleError as error:
        fail(str(error), _code(error.code.name, reached=bool(error.reason)))
    except Fault as error:
        code = Exit.USAGE if error.kind is Kind.INVALID else Exit.FAILED
        fail(f"{error.message} ({error.reason})", code)
    except KeyboardInterrupt:
        fail("interrupted", Exit.INTERRUPTED)


def _code(status: str, *, reached: bool) -> Exit:
    """Choose the exit code of a gRPC status; without a reason of ours no gateway answered."""
    if status == "UNAVAILABLE" and not reached:
        return Exit.UNREACHABLE
    return {
        "INVALID_ARGUMENT": Exit.USAGE,
        "UNAUTHENTICATED": Exit.AUTH,
        "PERMISSION_DENIED": Exit.AUTH,
        "RESOURCE_EXHAUSTED": Exit.OVERLOADED,
        "DEADLINE_EXCEEDED": Exit.DEADLINE,
        "CANCELLED": Exit.INTERRUPTED,
    }.get(status, Exit.FAILED)
