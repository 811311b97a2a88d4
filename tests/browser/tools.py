"""What the browser tests need of the machine: a Chromium, and the rules of axe-core."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

from tests.house.sources import ROOT

CHROMIUM = shutil.which("chromium")
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run")
"""Chromium has no sandbox where it runs as root, as in most containers; it sees our pages only."""


def what_is_missing() -> str:
    """Name what is not there, and how to get it; empty when all is."""
    there = {
        "playwright": find_spec("playwright") is not None,
        "chromium": CHROMIUM is not None,
        "axe-core": AXE.is_file(),
    }
    missing = [name for name, found in there.items() if not found]
    return f"{', '.join(missing)} not installed: run `make browser`" if missing else ""
