# noqa: INP001 - a script
"""Write docs/state-machines.md from the tables of the state machines.

`python docs/generate_states.py` writes the page, `--check` only compares it with the tables. A test
runs the check, so that no machine can change without its diagram.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.core.machine import Transition, targets

PAGE = Path(__file__).with_name("state-machines.md")

MACHINES = (
    ("Circuit breaker of an endpoint", "gateway.state.breaker", ""),
    ("Outlier ejection of a replica", "gateway.state.ejection", ""),
    ("Health of an endpoint", "gateway.state.standing", "HEALTH_"),
    ("Warm-up of an endpoint", "gateway.state.standing", "WARMUP_"),
    ("Ticket of the admission queue", "gateway.state.queue", ""),
    ("Request id", "gateway.state.replays", ""),
    ("Job", "gateway.core.jobs", ""),
    ("First text of a stream", "gateway.ensemble.hold", ""),
    ("Hole of a refinement", "gateway.ensemble.refine.statuses", ""),
)
"""Each machine: its heading, the module that holds its `TRANSITIONS` and its `INITIAL`, and what
stands before these names where the module holds two machines."""

HEAD = """\
# State machines

<!-- Written by docs/generate_states.py from tables in the code. Do not edit. -->

Each machine is a table in the code, by which it is driven: what is not in it cannot happen. A
diagram shows one arrow between two states, with every event that takes it.
"""


def render() -> str:
    """Return the text of the page. Raises ValueError for a table that contradicts itself."""
    parts = [HEAD]
    for title, name, prefix in MACHINES:
        module = importlib.import_module(name)
        transitions: Sequence[Transition] = getattr(module, f"{prefix}TRANSITIONS")
        targets(transitions)
        parts.append(f"\n## {title}\n\nFile: `{name.replace('.', '/')}.py`.\n\n")
        initial = str(getattr(module, f"{prefix}INITIAL"))
        parts.append("```mermaid\n" + _diagram(initial, transitions) + "```\n\n")
        parts.append("| state | event | next state | when |\n|---|---|---|---|\n")
        parts.extend(
            f"| {line.source} | `{line.event}` | {line.target} | {line.words} |\n"
            for line in transitions
        )
    return "".join(parts)


def _diagram(initial: str, transitions: Iterable[Transition]) -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for line in transitions:
        arrows.setdefault((str(line.source), str(line.target)), []).append(line.event)
    drawn = (
        f"    {source} --> {target}: {', '.join(events)}\n"
        for (source, target), events in arrows.items()
    )
    return f"stateDiagram-v2\n    [*] --> {initial}\n{''.join(drawn)}"


def main(arguments: Sequence[str]) -> str:
    """Write or check the page; return what is wrong, or nothing."""
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        return f"{PAGE.name} is not what the tables say: run `python docs/generate_states.py`"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
