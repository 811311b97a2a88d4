"""Write the first seeds of the fuzzer from the cases of the unit tests.

PYTHONPATH=. python tests/fuzz/make_seeds.py
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.unit.h2 import cases_connection, cases_frames, cases_hpack, cases_messages, cases_states
from tests.unit.h2.ends import client

SEEDS = Path(__file__).with_name("seeds")
LONGEST = 400
EVERY = 6
"""Every so many of the cases of frames: they are alike."""

CASES = (
    *cases_connection.CASES,
    *cases_states.CASES,
    *cases_frames.CASES,
    *cases_messages.CASES,
)


def main() -> None:
    """Write each seed once, by the name of its content."""
    for case in CASES[::EVERY]:
        role = "client" if case.place in {client, cases_connection.new_client} else "server"
        _write(f"h2_{role}", b"\x09\x07" + case.sent)
    for blocks in cases_hpack.CASES:
        _write("h2_hpack", b"".join(bytes.fromhex(sent) for sent in blocks.sent))


def _write(target: str, data: bytes) -> None:
    if len(data) <= LONGEST:
        folder = SEEDS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main()
