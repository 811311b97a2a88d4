"""The hole that a command is about: from options, a file or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from ensemble.v1 import gateway_service_pb2 as pb

from gateway.cli.exits import Exit, fail

RequestFile = Annotated[
    Path | None,
    typer.Option("--request", help="GenerateRequest as JSON; - reads standard input."),
]
Prompt = Annotated[
    str | None, typer.Option("--prompt", "-p", help="Code before the hole; - reads standard input.")
]
Suffix = Annotated[str, typer.Option("--suffix", help="Code after the hole.")]
Language = Annotated[str, typer.Option("--language", "-l", help="Language, such as python.")]


def read_request(
    file: Path | None, prompt: str | None, suffix: str, language: str
) -> pb.GenerateRequest:
    """Build the request; options stand over the file. Ends with exit code 2 if it cannot."""
    request = _from_file(file) if file is not None else pb.GenerateRequest()
    if prompt is not None:
        request.prompt = sys.stdin.read() if prompt == "-" else prompt
    if suffix:
        request.suffix = suffix
    if language:
        request.hole.language = language
    if not request.prompt:
        fail("no code before the hole: give --prompt TEXT or --request FILE", Exit.USAGE)
    return request


def _from_file(file: Path) -> pb.GenerateRequest:
    from google.protobuf.json_format import Parse, ParseError

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return Parse(text, pb.GenerateRequest())
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}", Exit.USAGE)
    except ParseError as error:
        fail(f"{file} is no GenerateRequest in JSON: {error}", Exit.USAGE)
