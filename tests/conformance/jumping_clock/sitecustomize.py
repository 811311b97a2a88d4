"""A wall clock that steps by an hour each way, ten times a second, for the process that finds it.

Python runs this module at its start where it stands on PYTHONPATH. gRPC keeps the true time of
day: its core reads the clock by itself, and half of a step in one call would be no step of a clock.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

from grpc import aio

STEP_S = 3600
STEPS_PER_S = 10
NANO = 1_000_000_000

GRPC = aio.__name__.partition(".")[0]
true = ModuleType("time")
true.__dict__.update(vars(time))
for name, module in tuple(sys.modules.items()):
    if name.partition(".")[0] == GRPC and getattr(module, "time", None) is time:
        vars(module)["time"] = true


def step() -> int:
    """Return by how many seconds the clock is wrong now."""
    return STEP_S if int(time.monotonic() * STEPS_PER_S) % 2 else -STEP_S


def jumping_time() -> float:
    """Stand for `time.time`."""
    return true.time() + step()


def jumping_time_ns() -> int:
    """Stand for `time.time_ns`."""
    return true.time_ns() + step() * NANO


time.time = jumping_time
time.time_ns = jumping_time_ns
if folder := os.environ.get("CONFORMANCE_FOLDER"):
    Path(folder, "clock-jumps").touch()
