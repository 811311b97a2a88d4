# noqa: INP001 - a script
"""Write docs/reference/api.md from the protos with their comments: `python docs/generate_api.py`.

`--check` only compares the page with what it would be. A test runs the check, so that no call and
no field changes without its documentation.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto

PAGE = Path(__file__).parent / "reference" / "api.md"
GENERATE = Path(__file__).parents[1] / "protos" / "generate.py"
PACKAGE = "ensemble.v1"
SCALARS: Mapping[int, str] = {
    number: name.removeprefix("TYPE_").lower() for name, number in Field.Type.items()
}
MESSAGES, NESTED, FIELDS, ENUMS, VALUES, SERVICES = 4, 3, 2, 5, 2, 6
"""Numbers of fields in a descriptor's paths: of a file, a message, an enum and a service."""

WORDS: Mapping[str, str] = {
    "required": "required",
    "defined_only": "a known value",
    "finite": "finite",
    "min_len": "characters ≥ {}",
    "max_len": "characters ≤ {}",
    "max_bytes": "bytes ≤ {}",
    "min_items": "items ≥ {}",
    "max_items": "items ≤ {}",
    "max_pairs": "pairs ≤ {}",
    "unique": "no two alike",
    "pattern": "like `{}`",
    "not_in": "none of {}",
    "const": "{}",
    "gt": "> {}",
    "gte": "≥ {}",
    "lt": "< {}",
    "lte": "≤ {}",
}
"""How each rule is said. One that is missing here fails the generation."""

HEAD = """\
# The gRPC contract

<!-- Written by docs/generate_api.py from protos/ensemble/v1. Do not edit. -->

Every call, message and field of the package `ensemble.v1`, as `protos/ensemble/v1` has them. A rule
is checked before anything else happens; what breaks it is named in `google.rpc.BadRequest`
([errors.md](../errors.md)). The numbers are those of the wire.

"""


@dataclass(frozen=True, slots=True)
class Source:
    """One file with what stands before each of its parts.

    `options` reads the options of a field, a message and a oneof with the rules in them.
    """

    file: descriptor_pb2.FileDescriptorProto
    comments: Mapping[tuple[int, ...], str]
    options: Mapping[str, Any]

    def comment(self, *path: int) -> str:
        """Return what stands before a part, in one line."""
        return " ".join(self.comments.get(path, "").split())

    def rules(self, of: str, options: Any) -> list[str]:
        """Return the rules in the options of a field, a message or a oneof, in words."""
        read = self.options[of].FromString(options.SerializeToString())
        return [
            rule
            for field, value in read.ListFields()
            if field.full_name == f"buf.validate.{of}"
            for rule in _said(value, "")
        ]


def render() -> str:
    """Return the text of the page."""
    sources = _sources()
    parts = [HEAD, "| service | for |\n|---|---|\n"]
    for source in sources:
        for place, service in enumerate(source.file.service):
            words = _cell(_first_sentence(source.comment(SERVICES, place)))
            parts.append(f"| [{service.name}](#{service.name.lower()}) | {words} |\n")
    for source in sources:
        parts.extend(_services(source))
    parts.append("\n## Messages and enums\n")
    for source in sources:
        parts.append(f"\n### {Path(source.file.name).name}\n\n{source.comment(12)}\n")
        for place, message in enumerate(source.file.message_type):
            parts.extend(_message(source, message, (MESSAGES, place), ""))
        for place, enum in enumerate(source.file.enum_type):
            parts.extend(_enum(source, enum, (ENUMS, place), ""))
    return "".join(parts)


def _sources() -> list[Source]:
    """Compile the protos with their comments, and the rules that their options hold."""
    spec = importlib.util.spec_from_file_location("generate", GENERATE)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(GENERATE)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.BUILD.mkdir(parents=True, exist_ok=True)
    ours = sorted(str(path.relative_to(generate.PROTOS)) for path in _ours(generate.PROTOS))
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        generate.run(
            f"-I{generate.PROTOS}",
            f"--descriptor_set_in={generate.third_party()}",
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={image}",
            *ours,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    options = {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"google.protobuf.{name.capitalize()}Options")
        )
        for name in ("field", "message", "oneof")
    }
    # Reading the options of a field finds the extension only after its class was made.
    message_factory.GetMessageClassesForFiles(["buf/validate/validate.proto"], pool)
    return [Source(file, _comments(file), options) for file in files if file.name in ours]


def _comments(file: descriptor_pb2.FileDescriptorProto) -> dict[tuple[int, ...], str]:
    return {tuple(at.path): at.leading_comments for at in file.source_code_info.location}


def _ours(protos: Path) -> Iterator[Path]:
    return protos.glob(f"{PACKAGE.replace('.', '/')}/*.proto")


def _services(source: Source) -> Iterator[str]:
    for place, service in enumerate(source.file.service):
        yield f"\n## {service.name}\n\n{source.comment(SERVICES, place)}\n"
        yield "\n| call | takes | gives | |\n|---|---|---|---|\n"
        for number, method in enumerate(service.method):
            takes = "stream of " * method.client_streaming + _link(method.input_type)
            gives = "stream of " * method.server_streaming + _link(method.output_type)
            words = _cell(source.comment(SERVICES, place, 2, number))
            yield f"| `{method.name}` | {takes} | {gives} | {words} |\n"


def _message(
    source: Source, message: descriptor_pb2.DescriptorProto, path: tuple[int, ...], outer: str
) -> Iterator[str]:
    if message.options.map_entry:
        return
    name = f"{outer}{message.name}"
    yield f"\n#### {name}\n\n{source.comment(*path)}\n"
    if message.field:
        yield "\n| field | number | type | rule | meaning |\n|---|---|---|---|---|\n"
    for place, field in enumerate(message.field):
        kind = _type(field, message)
        rule = ", ".join(source.rules("field", field.options))
        words = source.comment(*path, FIELDS, place)
        if field.HasField("oneof_index") and not field.proto3_optional:
            words = f"One of `{message.oneof_decl[field.oneof_index].name}`. {words}"
        yield f"| `{field.name}` | {field.number} | {kind} | {_cell(rule)} | {_cell(words)} |\n"
    for rule in source.rules("message", message.options):
        yield f"\nRule: {rule}.\n"
    for choice in message.oneof_decl:
        for rule in source.rules("oneof", choice.options):
            yield f"\n`{choice.name}` is {rule}.\n"
    for place, inner in enumerate(message.nested_type):
        yield from _message(source, inner, (*path, NESTED, place), f"{name}.")
    for place, enum in enumerate(message.enum_type):
        yield from _enum(source, enum, (*path, 4, place), f"{name}.")


def _enum(
    source: Source, enum: descriptor_pb2.EnumDescriptorProto, path: tuple[int, ...], outer: str
) -> Iterator[str]:
    yield f"\n#### {outer}{enum.name}\n\n{source.comment(*path)}\n"
    yield "\n| value | number | meaning |\n|---|---|---|\n"
    for place, value in enumerate(enum.value):
        words = _cell(source.comment(*path, VALUES, place))
        yield f"| `{value.name}` | {value.number} | {words} |\n"


def _type(field: Field, message: descriptor_pb2.DescriptorProto) -> str:
    entries = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
    entry = entries.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map of {_type(key, entry)} to {_type(value, entry)}"
    name = _link(field.type_name) if field.type_name else SCALARS[field.type]
    if field.label == Field.LABEL_REPEATED:
        return f"list of {name}"
    return f"optional {name}" if field.proto3_optional else name


def _link(name: str) -> str:
    """Lead to a message of ours; name one of others whole."""
    short = name.removeprefix(f".{PACKAGE}.")
    if short == name:
        return f"`{name.removeprefix('.')}`"
    return f"[{short}](#{short.lower().replace('.', '')})"


def _said(rules: Any, of: str) -> Iterator[str]:
    """Each rule in words; `of` says what it is about, when that is not the field itself."""
    order = [*WORDS]
    said = sorted(rules.ListFields(), key=lambda one: [*order, one[0].name].index(one[0].name))
    for field, value in said:
        if field.name == "cel":
            yield from (one.message for one in value)
        elif field.name in WORDS:
            yield of + WORDS[field.name].format(_value(value))
        else:
            inner = f"{of}{field.name}: " if field.name in {"items", "keys", "values"} else of
            yield from _said(value, inner)


def _value(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return value
    if hasattr(value, "nanos"):
        return f"{value.seconds + value.nanos / 1e9:g} s"
    return ", ".join(_value(one) for one in value)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.) ", text)[0]


def _cell(text: str) -> str:
    """Escape what would end a cell of a table, or begin markup outside of code."""
    parts = re.split(r"(`[^`]*`)", text)
    plain = [re.sub(r"([<>*_\[\]^~])", r"\\\1", part) for part in parts[::2]]
    parts[::2] = plain
    return "".join(parts).replace("|", "\\|")


def main(arguments: Sequence[str]) -> str:
    """Write or check the page; return what is wrong, or nothing."""
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        return f"{PAGE.name} is not what the protos say: run `python docs/generate_api.py`"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
