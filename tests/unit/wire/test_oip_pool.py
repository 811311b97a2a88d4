"""The messages of package `inference` keep to themselves."""

from __future__ import annotations

import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool

from gateway.wire.oip import inference

BESIDE = """
import gateway.wire.oip.inference as ours, gateway.ingress.oip.service, gateway.upstreams.oip
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
import sys

# What a generated module of somebody else does when it is imported.
theirs = descriptor_pb2.FileDescriptorProto.FromString(bytes.fromhex(sys.argv[1]))
pool = descriptor_pool.Default()
file = pool.AddSerializedFile(theirs.SerializeToString())
kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ServerLiveResponse"))
assert kind is not ours.ServerLiveResponse
assert kind.FromString(ours.ServerLiveResponse(live=True).SerializeToString()).alive
"""


def test_somebody_elses_module_of_the_package_can_be_imported_beside_it() -> None:
    theirs = descriptor_pb2.FileDescriptorProto(
        name="grpc_service.proto", package="inference", syntax="proto3"
    )
    theirs.message_type.add(name="ServerLiveRequest")
    live = theirs.message_type.add(name="ServerLiveResponse").field.add(name="alive", number=1)
    live.type = descriptor_pb2.FieldDescriptorProto.TYPE_BOOL
    live.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    command = [sys.executable, "-c", BESIDE, theirs.SerializeToString().hex()]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr


def test_nothing_of_it_is_in_the_default_pool() -> None:
    code = (
        "import gateway.app, gateway.upstreams.oip, gateway.ingress.oip.service\n"
        "from google.protobuf import descriptor_pool\n"
        "try:\n"
        "    descriptor_pool.Default().FindMessageTypeByName('inference.ServerLiveRequest')\n"
        "except KeyError:\n"
        "    raise SystemExit(0)\n"
        "raise SystemExit('found')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_message_of_the_protocol_has_its_name() -> None:
    names = set(inference.DESCRIPTOR.message_types_by_name)
    assert names == {name for name in vars(inference) if name in names}
    assert descriptor_pool.Default() is not inference.DESCRIPTOR.pool
