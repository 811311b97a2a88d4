"""What needs no server: selection over many draws, calls saved by a margin, calibration."""

from __future__ import annotations

import time

from gateway.config.checking import SandboxConfig, SandboxKind
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from tests.eval.calibration import calibrations, outcomes
from tests.eval.candidates import BARS
from tests.eval.selection import sampled_tasks, savings, selection
from tests.eval.table import Row

SELECTION, CALIBRATION = "selection", "calibration"
OURS, PLAIN, RANDOM = "agreement x tests", "without tests", "random"
RACED = (10, 100)
MARGINS = (1.0, 0.5, 0.3)


async def measure_selection() -> list[Row]:
    """Let every selector choose among the same many draws, by the recorded results of the tests."""
    tasks = sampled_tasks()
    selected = selection(tasks)
    found = [
        Row(
            SELECTION,
            f"N={one.n} {one.selector}",
            one.right,
            one.low,
            one.high,
            least=BARS[one.n] if one.selector == OURS else None,
        )
        for one in selected
    ]
    of = {(one.selector, one.n): one.right for one in selected}
    found.append(Row(SELECTION, "N=100 over N=10", of[OURS, 100] - of[OURS, 10], least=0.0))
    found += [
        Row(SELECTION, f"N={n} without tests over random", of[PLAIN, n] - of[RANDOM, n], least=0.0)
        for n in BARS
    ]
    found += [
        Row(
            SELECTION,
            f"N={one.n} margin {one.margin:g}",
            one.right,
            one.low,
            one.high,
            note=f"{one.calls:.1f} calls of {one.n}, 4 at once",
        )
        for n in RACED
        for one in savings(tasks, n, margins=MARGINS)
    ]
    return found


async def measure_calibration() -> list[Row]:
    """Tell how far confidences are from what came out, on the tasks that the fit did not see."""
    config = SandboxConfig(kind=SandboxKind.BUBBLEWRAP, max_waiting=100_000, max_kept=0)
    executor = BubblewrapExecutor(config.options(), time.monotonic)
    return [
        Row(
            CALIBRATION,
            f"ECE, {one.data}, {one.method}",
            one.ece,
            note=f"{one.right:.3f} of {one.count} right; Brier {one.brier:.3f}; with the prior of "
            f"this model {one.ece_own_prior:.3f}",
        )
        for one in calibrations(await outcomes(executor))
    ]
