"""Fuzz the reader of header blocks, held against the `hpack` library with a table of size 0.

PYTHONPATH=. python tests/fuzz/h2_hpack.py tests/fuzz/seeds/h2_hpack [-runs=N]
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway.h2", "hpack"]):
    from tests.fuzz.h2_checks import read_alike

atheris.Setup(sys.argv, read_alike)
atheris.Fuzz()
