"""A gRPC ensemble inference gateway with model fallback, for code generation.

Four names are public. `Settings` is a checked configuration (`gateway.config.load` reads one from a
file), `Gateway` runs it in this process, with or without a listener, `EnsembleClient` (the open
gateway's `ensemble`) fills holes, and `ModelRouter` decides where a hole goes.

The names are imported when first used, so that importing a part of the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.config.schema import Settings
    from gateway.ensemble.client import EnsembleClient
    from gateway.routing.router import ModelRouter

__all__ = ["EnsembleClient", "Gateway", "ModelRouter", "Settings"]

_HOMES = {
    "EnsembleClient": "gateway.ensemble.client",
    "Gateway": "gateway.app",
    "ModelRouter": "gateway.routing.router",
    "Settings": "gateway.config.schema",
}


def __getattr__(name: str) -> object:
    """Import a public name; raises AttributeError for any other."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
