"""No state machine is left out of docs/state-machines.md."""

from __future__ import annotations

import re

from tests.fakes.docs_scripts import script
from tests.house.sources import ROOT, python_files


def test_every_table_is_drawn() -> None:
    tables = {
        (".".join(path.relative_to(ROOT).with_suffix("").parts), prefix)
        for path in python_files("gateway")
        for prefix in re.findall(r"^(\w*)TRANSITIONS\b.* = ", path.read_text("utf-8"), re.MULTILINE)
    }
    assert tables == {(module, prefix) for _, module, prefix in script("generate_states").MACHINES}
