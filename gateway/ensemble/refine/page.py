"""What a refinement's source looks like: to the models, to the checks, and at the end."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.hole import Hole
from gateway.core.refinement import HoleStatus
from gateway.core.value import value
from gateway.ensemble.refine.source import Source
from gateway.ensemble.refine.stand_in import stand_in
from gateway.ensemble.refine.state import Holes, HoleState

NO_PROMPT = "\n"
"""Stands before a hole with which the source begins: models are not asked without a prompt."""


@value
class Page:
    """The source and the holes in it. Parts of a split hole stand in its place, one on a line."""

    source: Source
    holes: Holes

    def shown(self) -> Mapping[str, str]:
        """What models see in the place of each hole of the request: its fill, or a stand-in."""
        return {one: self._shown(self.holes.states[one]) for one in self.source.ids}

    def _shown(self, state: HoleState) -> str:
        if state.status is HoleStatus.FILLED:
            return state.fill
        if state.status is HoleStatus.PENDING_CHILDREN:
            return self._gap(state).join(map(self._shown, self.holes.parts(state)))
        hole = state.hole
        alone = self.source.slot(state.root).alone
        return stand_in(hole.spec.language, hole.spec.kind, alone=alone, marker=hole.marker)

    def _gap(self, state: HoleState) -> str:
        return "\n" + self.source.slot(state.root).indent

    def hole(self, state: HoleState, shown: Mapping[str, str]) -> Hole:
        """Make of one hole what is asked of an ensemble; `shown` stands for the others."""
        before, after, inner = "", "", state
        while inner.parent:
            outer, gap = self.holes.states[inner.parent], self._gap(inner)
            at = outer.children.index(inner.hole.id)
            texts = [self._shown(part) for part in self.holes.parts(outer)]
            before = "".join(text + gap for text in texts[:at]) + before
            after += "".join(gap + text for text in texts[at + 1 :])
            inner = outer
        first, last = self.source.around(inner.hole.id, shown)
        hole = state.hole
        return Hole(first + before or NO_PROMPT, after + last, hole.spec, hole.constraints)

    def joined(self, state: HoleState) -> str:
        """The fills of a hole's parts in its place: a line break and its indentation between them.

        All parts are filled.
        """
        return self._gap(state).join(part.fill for part in self.holes.parts(state))

    def text(self) -> str:
        """The source with every fill in its place; the markers of other holes stay (P-08)."""
        states = (self.holes.states[one] for one in self.source.ids)
        filled = HoleStatus.FILLED
        return self.source.whole(
            {
                state.hole.id: state.fill if state.status is filled else state.hole.marker
                for state in states
            }
        )
