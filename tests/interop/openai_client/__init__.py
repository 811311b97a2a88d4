"""The official Python client of the OpenAI API, as a caller of the gateway."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.interop.oip_gateway import reported
from tests.interop.processes import environment, said, server
from tests.interop.rows import Row
from tests.interop.venvs import python_of

PEER, VERSION = "openai", "3.52.0"
PROGRAM = Path(__file__).with_name("calls.py")
READY = re.compile(r"listening on (\S+) (\S+)")


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the client."""
    python = python_of(work, f"{PEER}=={VERSION}")
    work = work.absolute()
    log = work / "stage.log"
    command = [sys.executable, "-m", "tests.fakes.openai_stage"]
    with server(command, log, lambda out: READY.search(out) is not None, environment()):
        ((wide, tight),) = READY.findall(said(log))
        yield from reported(PEER, VERSION, [str(python), str(PROGRAM), wide, tight], work)
