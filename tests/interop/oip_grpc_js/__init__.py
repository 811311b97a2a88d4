"""A client in JavaScript, from our own proto: @grpc/grpc-js and @grpc/proto-loader."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.oip_gateway import gateway_with_models, reported
from tests.interop.processes import ROOT, last_line, peers_environment
from tests.interop.rows import CannotRunError, Row

PEER, VERSION = "grpc-js", "1.14.7"
PACKAGES = (f"@grpc/grpc-js@{VERSION}", "@grpc/proto-loader@0.8.1")
PROTO = ROOT / "protos" / "inference" / "open_inference.proto"
INSTALL_S = 300.0


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the client."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise CannotRunError("node and npm are not installed")
    work = work.absolute()
    _install(work)
    program = work / "calls.cjs"
    shutil.copyfile(Path(__file__).with_name("calls.cjs"), program)
    with gateway_with_models(work) as address:
        yield from reported(PEER, VERSION, [node, str(program), address, str(PROTO)], work)


def _install(work: Path) -> None:
    done = work / "installed.txt"
    if done.is_file() and done.read_text(encoding="utf-8") == " ".join(PACKAGES):
        return
    options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    command = ["npm", "install", "--prefix", str(work), *options, *PACKAGES]
    try:
        subprocess.run(
            command,
            env=peers_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise CannotRunError(f"npm was not done after {INSTALL_S:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise CannotRunError(f"npm: {last_line(str(error.stderr))}") from None
    done.write_text(" ".join(PACKAGES), encoding="utf-8")
