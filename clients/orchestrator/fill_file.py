"""Fill the holes of a Python file through a gateway, all of them on one stream."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ensemble.v1.gateway_service_pb2 import GenerateRequest
from ensemble_client import Client, EnsembleError

HOLE = re.compile(r"#\s*HOLE\b")


def holes_in(lines: Sequence[str]) -> list[int]:
    """Return the numbers, from 0, of the lines that are holes."""
    return [number for number, line in enumerate(lines) if HOLE.search(line)]


def request_for(lines: Sequence[str], number: int, name: str) -> GenerateRequest:
    """Describe the hole at a line: everything before it, everything after it, one statement."""
    line = lines[number]
    indent = line[: len(line) - len(line.lstrip())]
    request = GenerateRequest(prompt="".join(lines[:number]) + indent)
    request.suffix = "\n" + "".join(lines[number + 1 :])
    request.hole.hole_id = number
    request.hole.language = "python"
    request.hole.kind = "HOLE_KIND_STATEMENT"  # type: ignore[assignment] - protobuf takes names
    request.hole.origin.file = name
    request.hole.origin.line = number + 1
    return request


def fill(lines: list[str], name: str, client: Client, timeout: float) -> int:
    """Fill every hole in place; return how many could not be filled."""
    numbers = holes_in(lines)
    requests = [request_for(lines, number, name) for number in numbers]
    missed = 0
    for number, result in zip(numbers, client.batch(requests, timeout=timeout), strict=True):
        if isinstance(result, EnsembleError):
            missed += 1
            print(f"{name}:{number + 1}: not filled: {result.message}", file=sys.stderr)
            continue
        indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        lines[number] = f"{indent}{result.text.strip()}\n"
        print(f"{name}:{number + 1}: filled by {result.endpoint}", file=sys.stderr)
    return missed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--target", default="127.0.0.1:50051", help="address of the gateway")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for all holes")
    parser.add_argument("--write", action="store_true", help="write the file back")
    options = parser.parse_args(arguments)
    lines = options.file.read_text(encoding="utf-8").splitlines(keepends=True)
    if not holes_in(lines):
        print(f"{options.file}: no line says HOLE in a comment", file=sys.stderr)
        return 2
    with Client(options.target) as client:
        missed = fill(lines, options.file.name, client, options.timeout)
    if options.write:
        options.file.write_text("".join(lines), encoding="utf-8")
    else:
        sys.stdout.write("".join(lines))
    return 5 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
