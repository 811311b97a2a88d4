"""What `protos/generate.py` relies on, and what it promises of its output."""

from __future__ import annotations

from pathlib import Path

from ensemble.v1 import gateway_service_pb2
from google.protobuf import descriptor_pb2
from protovalidate._gen.buf.validate import validate_pb

from tests.house.sources import ROOT

VALIDATE = "buf/validate/validate.proto"
FIELD_RULES = 1159  # number of the extension `buf.validate.field`


def fields_with_rules(files: descriptor_pb2.FileDescriptorSet) -> list[str]:
    """Return the fields whose options carry protovalidate rules."""
    return [
        f"{message.name}.{field.name}"
        for file in files.file
        for message in file.message_type
        for field in message.field
        if field.options.SerializeToString()
    ]


def read(path: Path) -> descriptor_pb2.FileDescriptorSet:
    return descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())


def test_protovalidate_still_embeds_its_descriptor_where_generate_looks():
    embedded = validate_pb._DESC.proto.to_binary()  # pyright: ignore[reportPrivateUsage] - the point
    file = descriptor_pb2.FileDescriptorProto.FromString(embedded)
    assert file.name == VALIDATE
    assert FIELD_RULES in [extension.number for extension in file.extension]


def test_the_rules_are_ours_only_and_are_there():
    rules = read(ROOT / "gateway/ingress/rules.binpb")
    assert {file.package for file in rules.file} == {"ensemble.v1"}
    assert "GenerateRequest.prompt" in fields_with_rules(rules)


def test_the_clients_stubs_carry_no_rules():
    stub = descriptor_pb2.FileDescriptorProto.FromString(
        gateway_service_pb2.DESCRIPTOR.serialized_pb
    )
    assert VALIDATE not in stub.dependency
    assert fields_with_rules(descriptor_pb2.FileDescriptorSet(file=[stub])) == []


def test_the_foreign_protocol_has_messages_and_no_module():
    (file,) = read(ROOT / "gateway/wire/oip/inference.binpb").file
    assert (file.package, file.service[0].name) == ("inference", "GRPCInferenceService")
    assert not [*ROOT.glob("clients/*/src/**/*inference_pb2*"), *ROOT.glob("gateway/**/*_pb2*")]


def test_the_baseline_of_the_contract_can_be_read():
    assert any(file.package == "ensemble.v1" for file in read(ROOT / "protos/baseline.binpb").file)
