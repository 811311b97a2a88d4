"""What is in the wheel, and that it needs nothing but grpcio and protobuf."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ensemble.v1 import gateway_service_pb2
from ensemble_client.channel import MAX_SEND_BYTES, channel_options, service_config
from ensemble_client.requests import MAX_TEXT_BYTES
from ensemble_client.testing.services import FILES
from google.protobuf.any_pb2 import Any
from google.rpc.status_pb2 import Status

PROJECT = Path(__file__).resolve().parents[3] / "clients" / "python"
USE = """
import sys

ALLOWED = {"grpc", "google", "ensemble", "ensemble_client", "typing_extensions"}
GOOGLE = ("google.protobuf", "google._upb")


class OnlyWhatIsNeeded:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = top in ALLOWED or top in sys.stdlib_module_names
        if not allowed or (top == "google" and name != "google" and not name.startswith(GOOGLE)):
            raise ModuleNotFoundError(f"the client wants {name}", name=name)


sys.meta_path.insert(0, OnlyWhatIsNeeded)

import ensemble_client
from ensemble_client.status import failure_detail

assert ensemble_client.__file__.startswith(sys.argv[1]), ensemble_client.__file__
with ensemble_client.Client("localhost:1") as client:
    try:
        client.generate("x", timeout=0)
    except ensemble_client.InvalidRequest as error:
        assert error.violations[0].field == "timeout"
from ensemble_client.testing import FakeGateway

with FakeGateway("a + b") as fake:
    assert fake.client().generate("x = ").text == "a + b"
detail = failure_detail([("grpc-status-details-bin", bytes.fromhex(sys.argv[2]))])
print(detail.reason)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built / "site")
    return built / "site"


def test_the_wheel_works_with_grpcio_and_protobuf_only(unpacked: Path) -> None:
    status = Status(code=14)
    packed = Any()
    packed.Pack(gateway_service_pb2.FailureDetail(reason="ALL_ENDPOINTS_FAILED"))
    status.details.append(packed)
    done = subprocess.run(
        [sys.executable, "-c", USE, str(unpacked), status.SerializeToString().hex()],
        env={"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ALL_ENDPOINTS_FAILED"), done.stderr


def test_the_wheel_brings_types_and_the_service_config(unpacked: Path) -> None:
    for name in ("ensemble_client/py.typed", "ensemble/py.typed"):
        assert (unpacked / name).is_file()
    assert (unpacked / "ensemble_client/service_config.json").read_text() == service_config()


def test_the_service_config_retries_unavailable_only() -> None:
    config = json.loads(service_config())
    methods, never = config["methodConfig"]
    assert methods["retryPolicy"] == {
        "maxAttempts": 3,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    assert config["retryThrottling"]["tokenRatio"] > 0
    services = {
        service.full_name
        for module in FILES
        for service in module.DESCRIPTOR.services_by_name.values()
    }
    assert {name["service"] for name in methods["name"]} == services
    # Twice would go two versions back, or two candidates on.
    assert {(name["service"], name["method"]) for name in never["name"]} == {
        ("ensemble.v1.FeedbackService", "RollbackThresholds"),
        ("ensemble.v1.JobService", "Control"),
        ("ensemble.v1.JobService", "ConfirmControl"),
    }


def test_the_largest_request_fits_the_channel() -> None:
    options = dict(channel_options())
    assert options["grpc.max_send_message_length"] == MAX_SEND_BYTES
    assert options["grpc.max_receive_message_length"] >= MAX_SEND_BYTES
    assert MAX_SEND_BYTES > 2 * MAX_TEXT_BYTES
    assert options["grpc.service_config"] == service_config()


def test_a_caller_may_change_an_option() -> None:
    options = channel_options([("grpc.keepalive_time_ms", 5), ("grpc.lb_policy_name", "x")])
    assert dict(options)["grpc.keepalive_time_ms"] == 5
    assert dict(options)["grpc.lb_policy_name"] == "x"
    assert len(dict(options)) == len(options)
