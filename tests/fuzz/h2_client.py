"""Fuzz a whole connection as client.

PYTHONPATH=. python tests/fuzz/h2_client.py tests/fuzz/seeds/h2_client [-runs=N]
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway.h2", "hpack"]):
    from tests.fuzz.h2_checks import checked


def one(data: bytes) -> None:
    """Try one input."""
    checked(data, client=True)


atheris.Setup(sys.argv, one)
atheris.Fuzz()
