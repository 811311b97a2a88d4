"""Versions of thresholds and heads in a store, and which of them is in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from gateway.core.experience import Head
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, ThresholdSet
from gateway.core.stores import MAX_VERSIONS, Document, DocumentEntry, OutcomeStore
from gateway.core.value import value

THRESHOLDS, HEAD = "thresholds", "head"
CHANGES, PROPOSALS = "threshold_changes", "threshold_proposals"
"""Apart, for a store keeps so many of each: proposals must not push out what is in force."""

SHOWN = 20
KEPT_HEADS = 50
"""Each has a megabyte or more."""

HIGHEST = (1 << 63) - 1
"""No store numbers versions beyond."""


@value
class Version:
    """A set of thresholds as it is kept. `head_version` names the head it goes with, 0 for none."""

    thresholds: ThresholdSet
    head_version: int = 0
    head_observations: int = 0
    at: float = 0.0
    note: str = ""


FIRST = Version(DEFAULT_THRESHOLDS, note="the defaults")


@value
class Change:
    """What was done with a version: `propose`, `apply` or `rollback`."""

    action: str
    version: int
    at: float
    actor: str = ""


class Versions:
    """Reads and writes versions. Every method may raise StoreError."""

    def __init__(self, store: OutcomeStore) -> None:
        self._store = store

    async def get(self, version: int) -> Version:
        """Return a version. Raises Fault(NOT_FOUND) for one that is not kept."""
        found = await self._store.document(THRESHOLDS, version) if version <= HIGHEST else None
        if found is not None:
            return _read(found)
        if version == DEFAULT_THRESHOLDS.version:
            return FIRST
        raise Fault(
            Kind.NOT_FOUND,
            Origin.CALLER,
            Reason.UNKNOWN_VERSION,
            f"version: {version} is not kept; GetThresholds lists those that are",
        )

    async def history(self) -> tuple[Version, ...]:
        """Return the latest versions, newest first, the defaults last."""
        entries = await self._store.documents(THRESHOLDS, SHOWN)
        kept = [await self.get(entry.version) for entry in entries]
        return tuple(kept) if _has_first(kept) or len(kept) == SHOWN else (*kept, FIRST)

    async def add(self, proposed: Version, actor: str) -> Version:
        """Keep a new version; its number is the one returned."""
        await self._keep_first()
        number = await self._store.put_document(
            Document(
                DocumentEntry(THRESHOLDS, 0, proposed.at, actor, proposed.note),
                _body(proposed),
            )
        )
        return Version(
            ThresholdSet(number, proposed.thresholds.thresholds),
            proposed.head_version,
            proposed.head_observations,
            proposed.at,
            proposed.note,
        )

    async def add_head(self, head: Head, at: float, actor: str) -> int:
        """Keep a trained head; return its number."""
        words = f"trained on {head.observations} observations"
        return await self._store.put_document(
            Document(DocumentEntry(HEAD, 0, at, actor, words), head.to_bytes()), keep=KEPT_HEADS
        )

    async def head(self, number: int) -> Head | None:
        """Return a head; None for number 0, one that is not kept, or one that cannot be read."""
        found = await self._store.document(HEAD, number) if number else None
        try:
            return None if found is None else Head.from_bytes(found.body)
        except ValueError:
            return None

    async def changed(self, change: Change) -> None:
        """Keep what was done."""
        body = json.dumps({"action": change.action, "version": change.version}).encode()
        kind = PROPOSALS if change.action == "propose" else CHANGES
        entry = DocumentEntry(kind, 0, change.at, change.actor, change.action)
        await self._store.put_document(Document(entry, body))

    async def changes(self, limit: int = SHOWN) -> tuple[Change, ...]:
        """Return what was done, newest first."""
        both = [*await self._latest(CHANGES, limit), *await self._latest(PROPOSALS, limit)]
        return tuple(sorted(both, key=lambda one: one.at, reverse=True)[:limit])

    async def applied(self) -> tuple[int, ...]:
        """Return the versions put in force one after the other, without those taken back."""
        stack = [DEFAULT_THRESHOLDS.version]
        for change in reversed(await self._latest(CHANGES, MAX_VERSIONS)):
            if change.action == "apply":
                stack.append(change.version)
            elif change.action == "rollback" and len(stack) > 1:
                stack.pop()
        return tuple(stack)

    async def _latest(self, kind: str, limit: int) -> list[Change]:
        entries = await self._store.documents(kind, limit)
        found = [await self._store.document(kind, entry.version) for entry in entries]
        return [_change(one) for one in found if one is not None]

    async def _keep_first(self) -> None:
        """Keep the defaults as version 1, so that the first proposal becomes version 2."""
        if await self._store.document(THRESHOLDS) is None:
            first = DocumentEntry(THRESHOLDS, FIRST.thresholds.version, 0.0, "", FIRST.note)
            await self._store.put_document(Document(first, _body(FIRST)))


def _has_first(versions: Sequence[Version]) -> bool:
    return any(one.thresholds.version == FIRST.thresholds.version for one in versions)


def _body(version: Version) -> bytes:
    return json.dumps(
        {
            "thresholds": {str(layer): at for layer, at in version.thresholds.thresholds},
            "head_version": version.head_version,
            "head_observations": version.head_observations,
        }
    ).encode()


def _read(document: Document) -> Version:
    body = cast("Mapping[str, object]", json.loads(document.body))
    thresholds = cast("Mapping[str, float]", body["thresholds"])
    entry = document.entry
    return Version(
        ThresholdSet(entry.version, tuple(_layers(thresholds.items()))),
        cast("int", body["head_version"]),
        cast("int", body["head_observations"]),
        entry.at,
        entry.words,
    )


def _layers(items: Iterable[tuple[str, float]]) -> Iterable[tuple[LayerName, float]]:
    return ((LayerName(name), float(at)) for name, at in items)


def _change(document: Document) -> Change:
    body = cast("Mapping[str, object]", json.loads(document.body))
    entry = document.entry
    return Change(str(body["action"]), cast("int", body["version"]), entry.at, entry.actor)
