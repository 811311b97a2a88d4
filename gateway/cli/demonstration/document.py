"""Writes a report as one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from gateway.cli.demonstration.learning import Learned
from gateway.cli.demonstration.performing import Report
from gateway.cli.demonstration.repeating import Repeated, Round
from gateway.cli.demonstration.showing import fate
from gateway.cli.demonstration.steering import Steered
from gateway.cli.demonstration.totals import Checked
from gateway.cli.output import document_of


def document(report: Report) -> dict[str, Any]:
    """Write the whole report as plain data."""
    return {
        "ok": not report.missing,
        "missing": list(report.missing),
        "seed": report.seed,
        "killed": report.killed,
        "seconds": {
            "start": round(report.start_s, 3),
            "send": round(report.send_s, 3),
            "check": round(report.check_s, 3),
        },
        "totals": {name: asdict(part) for name, part in report.totals.items()},
        "constrained": _message(report.works.constrained.answer),
        "refined": _message(report.works.refined),
        "pipeline": _message(report.works.run),
        "learning": _learning(report.learned),
        "steering": _steering(report.steered),
        "repeating": _repeating(report.repeated),
        "holes": [_plain(one) for one in report.checked],
    }


def print_document(report: Report) -> None:
    """Print the report as one JSON document."""
    print(json.dumps(document(report), ensure_ascii=False, indent=2))


def _learning(learned: Learned) -> dict[str, Any]:
    return {
        "taught": learned.taught,
        "accepted": [
            {"task": task.value, "endpoint": endpoint, "accepted": good, "fills": count}
            for (task, endpoint), (good, count) in learned.tally.items()
        ],
        "analysis": _message(learned.analysis),
        "proposal": _message(learned.proposal),
        "evaluation": _message(learned.evaluation),
        "applied": _message(learned.applied),
        "moves": [
            {
                "task": move.lesson.task.value,
                "hole": move.lesson.hole.name,
                "before": _message(move.before),
                "after": _message(move.after),
            }
            for move in learned.moves
        ],
    }


def _steering(steered: Steered) -> dict[str, Any]:
    return {
        "sent": steered.sent,
        "said": [
            {"text": one.text, "result": document_of(one.result), "job": document_of(one.job)}
            for one in steered.said
        ],
        "rested": None if steered.rested is None else document_of(steered.rested),
        "filled": steered.filled,
        "stopped": steered.stopped,
        "skipped": steered.skipped,
        "missing": list(steered.missing),
    }


def _repeating(repeated: Repeated) -> dict[str, Any]:
    return {
        "before": None if repeated.before is None else document_of(repeated.before),
        "at_once": _round(repeated.at_once),
        "later": _round(repeated.later),
        "missing": list(repeated.missing),
    }


def _round(found: Round | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "calls": found.calls,
        "answers": [
            {
                "text": answer.text,
                "cached": answer.cached,
                "age_ms": round(answer.cache_age.ToNanoseconds() / 1e6, 3),
            }
            for answer in found.answers
        ],
        "counted": document_of(found.counted),
    }


def _message(message: Message | None) -> dict[str, Any] | None:
    return None if message is None else MessageToDict(message, preserving_proto_field_name=True)


def _plain(checked: Checked) -> dict[str, Any]:
    answer = checked.answer
    hole = answer.question.hole
    return {
        "hole": hole.name,
        "cut": hole.cut.value,
        "mode": answer.question.mode.value,
        "after_kill": answer.after_kill,
        "endpoint": answer.endpoint,
        "reason": answer.routed,
        "attempts": [asdict(one) for one in answer.attempts],
        "verdicts": dict(answer.verdicts),
        "doctests": _doctests(checked),
        "ms": round(answer.ms, 3),
        "result": fate(checked),
        "original": hole.original,
        "fill": answer.text,
    }


def _doctests(checked: Checked) -> dict[str, int] | None:
    """None when the module has none that run the hole; `attempted` is 0 when they broke off."""
    if not checked.examples:
        return None
    found = checked.doctests
    return {
        "examples": checked.examples,
        "attempted": found.attempted if found else 0,
        "failed": found.failed if found else 0,
    }
