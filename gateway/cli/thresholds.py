"""Thresholds for people: sets of them, a proposal and what a change of the version changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

from gateway.cli.output import known, print_facts, print_table

if TYPE_CHECKING:
    from ensemble.v1 import feedback_service_pb2 as pb
    from google.protobuf.timestamp_pb2 import Timestamp

ROOM = 16
"""Columns that a note needs at least, to be worth a column."""


def print_sets(title: str, sets: Sequence[pb.ThresholdSet]) -> None:
    """Print a row for each version, a column for each layer."""
    layers = layers_of(sets)
    print_table(
        title,
        ("version", *layers, "head from", "made", "note"),
        [
            (
                f"{one.version}{' *' if one.in_force else ''}",
                *(_threshold(one, layer) for layer in layers),
                str(one.head_observations) if one.head_observations else "-",
                moment(one.created_at),
                one.note,
            )
            for one in sets
        ],
        {"note": 100},
        ROOM,
    )


def print_changes(changes: Sequence[pb.ThresholdChange]) -> None:
    """Print who did what with which version."""
    print_table(
        "\nchanges",
        ("when", "what", "version", "by"),
        [(moment(one.at), one.action, str(one.version), one.actor or "-") for one in changes],
    )


def print_proposal(proposal: pb.ProposeThresholdsResponse) -> None:
    """Print what was found out about each layer, and why it is proposed."""
    title = (
        f"proposed: version {proposal.set.version}"
        if proposal.changed
        else f"nothing to change: version {proposal.set.version} stays"
    )
    print_table(
        title,
        (
            "layer",
            "current",
            "proposed",
            "optimum",
            "precision",
            "at least",
            "coverage",
            "labelled",
        ),
        [
            (
                one.layer,
                f"{one.current:.2f}",
                f"{one.proposed:.2f}" if one.proposed != one.current else "=",
                known(one, "optimum", ".2f"),
                *(
                    f"{share:.1%}" if one.labelled else "-"
                    for share in (one.precision, one.precision_bound, one.coverage)
                ),
                str(one.labelled),
            )
            for one in proposal.layers
        ],
    )
    reasons = [(one.layer, one.reason) for one in proposal.layers if one.reason]
    if proposal.head:
        reasons.append(("new head", proposal.head))
    print()
    print_facts(reasons)


def print_difference(before: pb.ThresholdSet, after: pb.ThresholdSet) -> None:
    """Print layer by layer from what to what the thresholds change."""
    title = f"from version {before.version} to version {after.version}"
    rows = [
        (layer, _threshold(before, layer), _threshold(after, layer))
        for layer in layers_of((before, after))
    ]
    if before.head_observations or after.head_observations:
        old, new = (str(one.head_observations or "none") for one in (before, after))
        rows.append(("head trained on", old, new))
    print_table(
        f"{title}: {after.note}" if after.note else title,
        ("layer", "from", "to", ""),
        [(*row, "" if row[1] == row[2] else "changes") for row in rows],
    )


def layers_of(sets: Iterable[pb.ThresholdSet]) -> tuple[str, ...]:
    """The layers that any of the sets has, in their order."""
    return tuple(dict.fromkeys(layer.layer for one in sets for layer in one.thresholds))


def moment(at: Timestamp) -> str:
    """Write a time in UTC, to the second; `-` for that of what was never made, such as defaults."""
    return f"{at.ToDatetime(UTC):%Y-%m-%d %H:%M:%S}Z" if at.seconds else "-"


def _threshold(one: pb.ThresholdSet, layer: str) -> str:
    found = (layered.threshold for layered in one.thresholds if layered.layer == layer)
    return next((f"{threshold:.2f}" for threshold in found), "-")
