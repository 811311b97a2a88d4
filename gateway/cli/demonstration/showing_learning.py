"""Shows what routing learned from outcomes to people."""

from __future__ import annotations

from gateway.cli.demonstration.holes import CutHole
from gateway.cli.demonstration.learning import Learned, Move
from gateway.cli.demonstration.lessons import Task
from gateway.cli.output import print_facts, print_table

RULE = "; by the rules"
"""Where the reasons of what decided end, and those of the rules begin."""


def show_learned(learned: Learned) -> None:
    """Print what was reported, proposed, judged and applied, and where two holes go now."""
    _show_outcomes(learned)
    _show_proposal(learned)
    print()
    print_facts([*_facts(learned), *(fact for move in learned.moves for fact in _move(move))])


def _show_outcomes(learned: Learned) -> None:
    endpoints = sorted({endpoint for _, endpoint in learned.tally})
    print_table(
        f"\nRouting that learns: {learned.taught} small holes were routed, and each was filled by "
        f"{' and by '.join(endpoints) or 'nobody'}.\nFills with which the function parses were "
        "reported as accepted, all others as refused. Accepted:",
        ("missing", *endpoints),
        [
            (task.value, *(_share(learned, task, endpoint) for endpoint in endpoints))
            for task in Task
        ],
    )


def _show_proposal(learned: Learned) -> None:
    done = {layer.layer: layer.decided for layer in learned.analysis.layers}
    print_table(
        f"\nProposed from {learned.analysis.labelled} decisions with known outcomes:",
        ("layer", "decided", "threshold", "proposed", "why"),
        [
            (
                one.layer,
                str(done.get(one.layer, 0)),
                f"{one.current:.2f}",
                f"{one.proposed:.2f}" if one.proposed != one.current else "=",
                one.reason,
            )
            for one in learned.proposal.layers
        ],
        {"why": 100},
    )


def _facts(learned: Learned) -> list[tuple[str, str]]:
    facts = [("head", learned.proposal.head), ("judged by the log", learned.evaluation.verdict)]
    if learned.applied is not None:
        before, after = learned.applied.before.version, learned.applied.after.version
        applied = f"version {after} in place of {before}"
    elif learned.proposal.changed:
        applied = "nothing: the log says that it would do harm"
    else:
        applied = "nothing: no change was proposed"
    return [*facts, ("applied", applied)]


def _move(move: Move) -> list[tuple[str, str]]:
    before, after = move.before.decision, move.after.decision
    return [
        (f"a {move.lesson.task}", _line(move.lesson.hole)),
        ("before", f"{before.primary}: {before.detail}"),
        ("now", f"{after.primary}: {after.detail.partition(RULE)[0]}"),
    ]


def _share(learned: Learned, task: Task, endpoint: str) -> str:
    good, count = learned.tally.get((task, endpoint), (0, 0))
    return f"{good} of {count}"


def _line(hole: CutHole) -> str:
    """The line of the hole, which stands in brackets."""
    before = hole.prompt.rpartition("\n")[2].lstrip()
    after = hole.suffix.partition("\n")[0]
    return f"{before}[{hole.original}]{after}"
