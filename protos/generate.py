"""Compile the protos: thin client stubs, the server's validation rules, the lint image.

The client's stubs carry no protovalidate options, so that a caller needs grpcio and protobuf only.
The server validates with the same files *with* their options, shipped as a descriptor set of our
own files. The third-party `buf/validate/validate.proto` is taken from the installed protovalidate
wheel and is neither committed nor shipped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from google.protobuf import descriptor_pb2
from google.protobuf.message import Message
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
BUILD = ROOT / "build" / "protos"
CLIENT_SRC = ROOT / "clients" / "python" / "src"
RULES = ROOT / "gateway" / "ingress" / "rules.binpb"
VALIDATE = "buf/validate/validate.proto"


def third_party() -> Path:
    """Write the descriptor set of `buf.validate` and what it imports; return its path."""
    # `_gen` is private to the wheel; tests/unit/protos/test_generate.py fails when it moves.
    embedded: bytes = validate_pb._DESC.proto.to_binary()  # pyright: ignore[reportPrivateUsage]
    validate = descriptor_pb2.FileDescriptorProto.FromString(embedded)
    target = BUILD / "third_party.binpb"
    well_known = BUILD / "well_known.binpb"
    names = [*validate.dependency]
    include = Path(protoc.__file__).parent / "_proto"
    run(f"-I{include}", "--include_imports", f"--descriptor_set_out={well_known}", *names)
    files = descriptor_pb2.FileDescriptorSet.FromString(well_known.read_bytes())
    files.file.append(validate)
    target.write_bytes(files.SerializeToString())
    return target


def run(*arguments: str) -> None:
    """Run protoc; end the program with its exit code when it fails."""
    code = cast("int", protoc.main(["protoc", *arguments]))  # pyright: ignore[reportUnknownMemberType]
    if code:
        sys.exit(code)


def strip(message: Message) -> None:
    """Remove every unknown option (the rules) from a descriptor, in place."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        children: Iterable[Message] = value if field.is_repeated else [value]
        for child in children:
            if field.name == "options":
                child.DiscardUnknownFields()
            else:
                strip(child)
        if field.name == "options" and not value.ListFields():
            message.ClearField("options")


def main() -> None:
    """Regenerate everything that is generated."""
    BUILD.mkdir(parents=True, exist_ok=True)
    RULES.parent.mkdir(parents=True, exist_ok=True)
    ours = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("ensemble/**/*.proto"))
    image = BUILD / "image.binpb"
    run(
        f"-I{PROTOS}",
        f"--descriptor_set_in={third_party()}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={image}",
        *ours,
    )
    files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    rules = descriptor_pb2.FileDescriptorSet()
    stripped = descriptor_pb2.FileDescriptorSet()
    for file in files.file:
        if file.name == VALIDATE:
            continue
        thin = stripped.file.add()
        thin.CopyFrom(file)
        if file.name not in ours:
            continue
        with_rules = rules.file.add()
        with_rules.CopyFrom(file)
        with_rules.ClearField("source_code_info")
        kept = [name for name in file.dependency if name != VALIDATE]
        del thin.dependency[:]
        thin.dependency.extend(kept)
        strip(thin)
    RULES.write_bytes(rules.SerializeToString(deterministic=True))
    thin_image = BUILD / "thin.binpb"
    thin_image.write_bytes(stripped.SerializeToString(deterministic=True))
    run(
        f"--descriptor_set_in={thin_image}",
        f"--python_out={CLIENT_SRC}",
        f"--pyi_out={CLIENT_SRC}",
        f"--grpc_python_out={CLIENT_SRC}",
        f"--mypy_grpc_out=quiet:{CLIENT_SRC}",
        *ours,
    )
    for file in files.file:
        if file.name in ours and not file.service:
            for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                (CLIENT_SRC / file.name.replace(".proto", suffix)).unlink()


if __name__ == "__main__":
    main()
