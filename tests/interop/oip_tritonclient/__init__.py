"""The gRPC client of Triton, of both kinds, as a caller of the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.interop.oip_gateway import gateway_with_models, reported
from tests.interop.processes import ROOT
from tests.interop.rows import Row
from tests.interop.venvs import python_of

PEER, VERSION = "tritonclient", "2.73.0"
PROGRAM = Path(__file__).with_name("calls.py")
FILES = ROOT / "gateway" / "wire" / "oip" / "inference.binpb"


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the client."""
    python = python_of(work, f"tritonclient[grpc]=={VERSION}")
    work = work.absolute()
    with gateway_with_models(work) as address:
        command = [str(python), str(PROGRAM), address, str(FILES)]
        yield from reported(PEER, VERSION, command, work)
