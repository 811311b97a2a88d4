"""Drafts on the wire."""

from __future__ import annotations

from ensemble.v1 import model_service_pb2

from gateway.core.ports import Draft


def draft_from_wire(wire: model_service_pb2.Draft) -> Draft:
    """Read a draft."""
    return Draft(wire.text, tuple(wire.issues))


def draft_to_wire(draft: Draft) -> model_service_pb2.Draft:
    """Write a draft."""
    return model_service_pb2.Draft(text=draft.text, issues=draft.issues)
