"""The three wheels hold what their users need, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.house.sources import ROOT

WHEELS = ROOT / "build" / "wheels"
FOREIGN = "gateway/wire/oip/inference.binpb"


class Wheel:
    """Names and metadata of one wheel."""

    names: set[str]
    metadata: Message

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.names = set(archive.namelist())
            described = next(name for name in self.names if name.endswith(".dist-info/METADATA"))
            self.metadata = Parser().parsestr(archive.read(described).decode())

    @property
    def tops(self) -> set[str]:
        """Top-level folders without the metadata."""
        return {name.split("/")[0] for name in self.names if ".dist-info/" not in name}


def build(project: Path, name: str) -> Wheel:
    for old in WHEELS.glob(f"{name}-*.whl"):
        old.unlink()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(WHEELS)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=50)
    (path,) = WHEELS.glob(f"{name}-*.whl")
    return Wheel(path)


@pytest.fixture(scope="module")
def gateway() -> Wheel:
    return build(ROOT, "ensemble_gateway")


@pytest.fixture(scope="module")
def client() -> Wheel:
    return build(ROOT / "clients" / "python", "ensemble_client")


def test_the_gateways_wheel(gateway: Wheel):
    assert gateway.tops == {"gateway"}
    assert gateway.names >= {"gateway/py.typed", "gateway/ingress/rules.binpb", FOREIGN}
    assert gateway.metadata["License-Expression"] == "Apache-2.0"
    assert any(name.endswith("licenses/LICENSE") for name in gateway.names)
    assert any(name.endswith("entry_points.txt") for name in gateway.names)


def test_the_gateways_wheel_holds_every_module(gateway: Wheel):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "gateway").rglob("*.py")}
    assert modules - gateway.names == set()


def test_the_gateways_wheel_holds_what_the_dashboard_shows(gateway: Wheel):
    folder = ROOT / "gateway" / "ingress" / "dashboard"
    files = {path for name in ("templates", "static") for path in (folder / name).rglob("*")}
    shown = {str(path.relative_to(ROOT)) for path in files if path.is_file()}
    assert len(shown) > 15
    assert shown - gateway.names == set()


def test_the_clients_wheel(client: Wheel):
    assert client.tops == {"ensemble", "ensemble_client"}
    assert client.names >= {
        "ensemble/py.typed",
        "ensemble_client/py.typed",
        "ensemble/v1/gateway_service_pb2.py",
        "ensemble/v1/gateway_service_pb2.pyi",
    }


def test_the_client_needs_grpcio_and_protobuf_only(client: Wheel):
    required = client.metadata.get_all("Requires-Dist", [])
    assert {re.split("[<>=]", requirement)[0] for requirement in required} == {"grpcio", "protobuf"}


def test_no_wheel_holds_what_was_built_by_running(gateway: Wheel, client: Wheel):
    names = gateway.names | client.names
    assert [name for name in names if re.search(r"\.pyc$|\.proto$|(^|/)tests?[/_]", name)] == []


def test_the_harness_wheel():
    wheel = build(ROOT / "clients" / "loadtest", "ensemble_loadtest")
    assert wheel.tops == {"ensemble_loadtest"}
    assert wheel.names >= {"ensemble_loadtest/page.css", "ensemble_loadtest/py.typed"}
