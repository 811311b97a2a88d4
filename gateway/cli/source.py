"""A file with holes as the message that asks to fill them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.exits import Exit, fail

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble.v1 import hole_pb2

HOLE = re.compile(r"<<([A-Za-z0-9_.-]{1,64})(?::([a-z]+))?>>")
"""A hole in a file: its name and, after a colon, its kind: `<<body>>`, `<<body:block>>`."""

LANGUAGES = {
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".py": "python",
    ".rs": "rust",
    ".ts": "typescript",
}
"""What a file is written in by the end of its name, unless an option says."""


def text_of(file: Path) -> str:
    """Read a file, or standard input for `-`, with its line ends as they are."""
    try:
        if str(file) == "-":
            return sys.stdin.read()
        with file.open(encoding="utf-8", newline="") as source:
            return source.read()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}", Exit.USAGE)


def request_in(file: Path) -> pb.RefineRequest:
    """Read a whole request as JSON. Ends with exit code 2 if it is none."""
    from ensemble.v1 import gateway_service_pb2 as pb
    from google.protobuf.json_format import Parse, ParseError

    try:
        return Parse(text_of(file), pb.RefineRequest())
    except ParseError as error:
        fail(f"{file} is no RefineRequest in JSON: {error}", Exit.USAGE)


def request_for(file: Path, depends: Iterable[str]) -> pb.RefineRequest:
    """Make a request of a source: a hole for each marker, in the order of the text.

    `depends` holds `hole=other,other` for holes that need others first. Ends with exit code 2 when
    there is no hole, or when one is asked for that is not there.
    """
    from ensemble.v1 import gateway_service_pb2 as pb

    text = text_of(file)
    message = pb.RefineRequest(request=pb.GenerateRequest(prompt=text))
    message.request.hole.language = LANGUAGES.get(file.suffix.lower(), "")
    message.request.hole.origin.file = "" if str(file) == "-" else file.name
    for marker, name, kind in dict.fromkeys(
        (one[0], one[1], one[2]) for one in HOLE.finditer(text)
    ):
        hole = message.holes.add(id=name, marker=marker)
        if kind:
            hole.hole.kind = _kind(marker, kind)
    if not message.holes:
        fail(f"{file} has no hole: write <<name>> or <<name:block>> where one is", Exit.USAGE)
    _add_dependencies(message, depends)
    return message


def _kind(marker: str, kind: str) -> hole_pb2.HoleKind:
    from ensemble_client.requests import KIND_ALIASES

    from gateway.core.hole import HoleKind
    from gateway.wire.enums import HOLE_KIND

    known = [*HoleKind][1:]
    full = KIND_ALIASES.get(kind, kind)
    if full not in known:
        fail(f"{marker}: a hole is one of {', '.join([*known, *KIND_ALIASES])}", Exit.USAGE)
    return HOLE_KIND[HoleKind(full)]


def _add_dependencies(message: pb.RefineRequest, depends: Iterable[str]) -> None:
    holes = {hole.id: hole for hole in message.holes}
    for words in depends:
        name, equals, others = words.partition("=")
        if not (equals and others):
            fail(f"--depends {words}: write hole=other, or hole=one,another", Exit.USAGE)
        if name not in holes:
            fail(f"--depends {words}: there is no hole {name}", Exit.USAGE)
        holes[name].depends_on.extend(others.split(","))
