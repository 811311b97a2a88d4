"""`python -m tests.conformance.servers DOORS`: the fault model server.

DOORS is a JSON object: a port, or 0, for each protocol (`grpc`, `openai`, `frames`) of each named
endpoint. The same object with the real ports is said once all of them listen; then orders are
followed: `tell` gives a door its script, `release` lets held calls go on and
`hold` keeps new ones again, `report` lists the calls
and `forget` forgets them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple

import uvloop

from tests.conformance.servers.book import Book
from tests.conformance.servers.frame_door import FrameDoor
from tests.conformance.servers.grpc_door import GrpcDoor
from tests.conformance.servers.openai_door import OpenAiDoor
from tests.conformance.servers.orders import Document, obey
from tests.conformance.servers.rules import from_json

KINDS = {"grpc": GrpcDoor, "openai": OpenAiDoor, "frames": FrameDoor}


def follow(book: Book, order: Document) -> Document:
    """Follow one order; return what is said to it."""
    match order["do"]:
        case "tell":
            book.tell(order["door"], from_json(order["script"]))
        case "forget":
            book.calls.clear()
        case "release":
            book.released.set()
        case "hold":
            book.released.clear()
        case "report":
            return {"calls": [astuple(call) for call in book.calls[order.get("from", 0) :]]}
        case "counts":
            ended = sum(call.how != "open" for call in book.calls)
            return {"started": len(book.calls), "ended": ended}
        case unknown:
            return {"error": f"no such order: {unknown}"}
    return {"ok": True}


async def main(doors: dict[str, dict[str, int]]) -> None:
    """Open the doors and follow orders."""
    book = Book()
    opened = {
        name: {kind: KINDS[kind](book, name) for kind in kinds} for name, kinds in doors.items()
    }
    ports = {
        name: {kind: await door.start(doors[name][kind]) for kind, door in kinds.items()}
        for name, kinds in opened.items()
    }
    await obey(ports, lambda order: follow(book, order))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
