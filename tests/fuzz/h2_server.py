"""Fuzz a whole connection as server.

PYTHONPATH=. python tests/fuzz/h2_server.py tests/fuzz/seeds/h2_server [-runs=N]
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway.h2", "hpack"]):
    from tests.fuzz.h2_checks import checked


def one(data: bytes) -> None:
    """Try one input."""
    checked(data, client=False)


atheris.Setup(sys.argv, one)
atheris.Fuzz()
