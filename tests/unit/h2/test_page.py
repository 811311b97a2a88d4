"""The tables of docs/h2.md are those of the code and of these tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.h2.limits import Limits
from tests.unit.h2.cases_hpack import CASES as HPACK
from tests.unit.h2.test_rfc9113 import CASES

PAGE = Path(__file__).parents[3] / "docs" / "h2.md"
TITLES = {
    "3.4": "Connection preface",
    "4.1": "Frame format",
    "4.2": "Frame size",
    "4.3": "Field section compression",
    "5.1": "Stream states, each frame in each",
    "5.1.1": "Stream identifiers",
    "5.1.2": "Stream concurrency",
    "5.3.2": "Priority signals",
    "5.4.1": "Connection errors",
    "5.4.2": "Stream errors",
    "5.5": "Extensions",
    "6.1": "DATA",
    "6.2": "HEADERS",
    "6.3": "PRIORITY",
    "6.4": "RST_STREAM",
    "6.5": "SETTINGS",
    "6.5.2": "Defined settings",
    "6.5.3": "Settings synchronization",
    "6.6": "PUSH_PROMISE",
    "6.7": "PING",
    "6.8": "GOAWAY",
    "6.9": "WINDOW_UPDATE",
    "6.9.1": "The flow-control window",
    "6.9.2": "Initial window size",
    "6.10": "CONTINUATION",
    "8.1": "Message framing",
    "8.1.1": "Malformed messages, content-length",
    "8.2.1": "Field validity",
    "8.2.2": "Connection-specific fields",
    "8.2.3": "Cookie",
    "8.3": "Control data",
    "8.3.1": "Request pseudo-fields",
    "8.3.2": "Response pseudo-fields",
    "8.5": "CONNECT",
    "8.6": "Upgrade",
}


def rows() -> list[str]:
    """Write the table of sections."""
    frames = Counter(case.section for case in CASES)
    blocks = Counter(case.section for case in HPACK)
    written = [
        f"| {section} | {title} | {frames.pop(section)} |" for section, title in TITLES.items()
    ]
    assert not frames
    return written + [f"| {section} | {blocks[section]} |" for section in sorted(blocks)]


@pytest.mark.parametrize("row", rows())
def test_the_page_tells_how_many_cases_a_section_has(row: str) -> None:
    assert row in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_the_page_tells_the_default_of_each_limit(name: str) -> None:
    value = getattr(Limits(), name)
    shown = (
        f"{value.burst:,}, {value.per_s:,} a second" if isinstance(value, tuple) else f"{value:,}"
    )
    assert f"| `{name}` | {shown} |" in PAGE.read_text(encoding="utf-8")
