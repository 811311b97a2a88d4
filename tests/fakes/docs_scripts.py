"""The scripts beside the documentation's pages, which are no package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from tests.house.sources import ROOT


def script(name: str) -> ModuleType:
    """Load `docs/NAME.py` freshly."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where its dataclasses look for their annotations.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
