"""Compile the protos: thin client stubs, the server's validation rules, the lint image.

The client's stubs carry no protovalidate options, so that a caller needs grpcio and protobuf only.
The server validates with the same files *with* their options, shipped as a descriptor set of our
own files. The third-party `buf/validate/validate.proto` is taken from the installed protovalidate
wheel and is neither committed nor shipped.

The Open Inference Protocol gets no stubs, since a module of package `inference` could not stand
beside somebody else's in one process: its descriptor set is loaded into a pool of its own, and the
types that a checker sees of it are generated beside that.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
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
STUBS = Path("clients") / "python" / "src"
RULES = Path("gateway") / "ingress" / "rules.binpb"
FOREIGN = "inference/open_inference.proto"
FOREIGN_FILES = Path("gateway") / "wire" / "oip" / "inference.binpb"
FOREIGN_TYPES = FOREIGN_FILES.with_suffix(".pyi")
MYPY_GRPC = Path(sysconfig.get_path("scripts")) / "protoc-gen-mypy_grpc"
VALIDATE = "buf/validate/validate.proto"


def third_party() -> Path:
    """Write the descriptor set of `buf.validate` and what it imports; return its path."""
    # `_gen` is private to the wheel; tests/house/test_generate.py fails when it moves.
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


def write(path: Path, files: Iterable[descriptor_pb2.FileDescriptorProto]) -> Path:
    """Write a descriptor set, the same bytes for the same files; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    described = descriptor_pb2.FileDescriptorSet(file=files)
    path.write_bytes(described.SerializeToString(deterministic=True))
    return path


def without_source(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    """Copy a file without its comments and line numbers."""
    copy = descriptor_pb2.FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    return copy


def without_rules(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    """Copy a file without its protovalidate options and their import."""
    thin = descriptor_pb2.FileDescriptorProto()
    thin.CopyFrom(file)
    kept = [name for name in file.dependency if name != VALIDATE]
    del thin.dependency[:]
    thin.dependency.extend(kept)
    strip(thin)
    return thin


def generate(target: Path) -> None:
    """Write the stubs and the rules into the tree at `target`, and the images into `build/protos`.

    `image.binpb` is what buf lints; `contract.binpb` (no rules, no comments) is what it compares
    with the committed baseline.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
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
    files = list(descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file)
    thin = [
        without_rules(file) if file.name in ours else file
        for file in files
        if file.name != VALIDATE
    ]
    write(target / RULES, [without_source(file) for file in files if file.name in ours])
    write(BUILD / "contract.binpb", [without_source(file) for file in thin])
    stubs = target / STUBS
    stubs.mkdir(parents=True, exist_ok=True)
    run(
        f"--descriptor_set_in={write(BUILD / 'thin.binpb', thin)}",
        f"--plugin=protoc-gen-mypy_grpc={MYPY_GRPC}",
        f"--python_out={stubs}",
        f"--pyi_out={stubs}",
        f"--grpc_python_out={stubs}",
        f"--mypy_grpc_out=quiet:{stubs}",
        *ours,
    )
    for file in files:
        if file.name in ours and not file.service:
            for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                (stubs / file.name.replace(".proto", suffix)).unlink()
    generate_foreign(target)


def generate_foreign(target: Path) -> None:
    """Write the descriptor set of the Open Inference Protocol and its types, without a module."""
    (target / FOREIGN_FILES).parent.mkdir(parents=True, exist_ok=True)
    described = BUILD / "foreign.binpb"
    run(f"-I{PROTOS}", f"--descriptor_set_out={described}", f"--pyi_out={BUILD}", FOREIGN)
    files = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes()).file
    write(target / FOREIGN_FILES, files)
    types = BUILD / FOREIGN.replace(".proto", "_pb2.pyi")
    (target / FOREIGN_TYPES).write_bytes(types.read_bytes())


def generated(tree: Path) -> dict[Path, bytes]:
    """Return every generated file of a tree, by its path in it."""
    stubs = tree / STUBS
    ours = [RULES, FOREIGN_FILES, FOREIGN_TYPES]
    paths = [*(tree / path for path in ours), *stubs.rglob("*_pb2*.py"), *stubs.rglob("*_pb2*.pyi")]
    return {path.relative_to(tree): path.read_bytes() for path in paths if path.is_file()}


def stale() -> list[Path]:
    """Generate beside the tree; return the paths of the tree that differ, lack or are left over."""
    with tempfile.TemporaryDirectory() as folder:
        fresh_tree = Path(folder)
        generate(fresh_tree)
        fresh, kept = generated(fresh_tree), generated(ROOT)
    return sorted(path for path in fresh.keys() | kept.keys() if fresh.get(path) != kept.get(path))


def main() -> None:
    """Regenerate everything that is generated; with `--check`, only say what would change."""
    if sys.argv[1:] != ["--check"]:
        generate(ROOT)
        return
    wrong = [f"{path}: not what protos/ says: run `make proto`, or remove it" for path in stale()]
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
