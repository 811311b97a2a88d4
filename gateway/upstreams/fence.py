"""Takes the code out of the Markdown fence that chat models like to put around it."""

from __future__ import annotations

import re

_OPENING = re.compile(r"\s*```[\w+#.-]*[ \t]*\r?\n")
_MAY_OPEN = re.compile(r"\s*(?:`{0,2}|```[\w+#.-]*[ \t]*\r?)\Z")
_CLOSING = re.compile(r"\r?\n```\s*\Z")
_MAY_CLOSE = re.compile(r"(?:\r?\n(?:`{0,2}|```\s*)|\r)\Z")
_LONGEST_FENCE = 256


class FenceStripper:
    """Strips one fence that surrounds the whole text; the chunking makes no difference.

    The fence counts only when its opening line comes first (after white space); then a closing
    line at the very end is dropped too. Everything else passes unchanged. No more than 256
    characters are held back, until it is known what they are.
    """

    def __init__(self) -> None:
        self._held = ""
        self._fenced: bool | None = None
        self._skip = 0

    def feed(self, text: str) -> str:
        """Take the next piece; return what can be passed on, which may be nothing."""
        self._held += text
        if self._fenced is None:
            self._look_for_opening()
        if self._fenced is None:
            return ""
        return self._pass(len(self._held) - (self._may_close() if self._fenced else 0))

    def finish(self) -> str:
        """Return what is left at the end of the text."""
        if self._fenced:
            self._held = _CLOSING.sub("", self._held)
        return self._pass(len(self._held))

    def _look_for_opening(self) -> None:
        opening = _OPENING.match(self._held, 0, _LONGEST_FENCE)
        if opening:
            self._fenced = True
            # The line feed of the opening line stays, unseen: a closing line may follow at once.
            self._held = "\n" + self._held[opening.end() :]
            self._skip = 1
        elif len(self._held) >= _LONGEST_FENCE or not _MAY_OPEN.match(self._held):
            self._fenced = False

    def _may_close(self) -> int:
        tail = _MAY_CLOSE.search(self._held)
        length = len(self._held) - tail.start() if tail else 0
        return length if length <= _LONGEST_FENCE else 0

    def _pass(self, cut: int) -> str:
        passed = self._held[self._skip : cut]
        if cut:
            self._skip = 0
        self._held = self._held[cut:]
        return passed


def strip_fence(text: str) -> str:
    """Strip the fence of a whole text."""
    stripper = FenceStripper()
    return stripper.feed(text) + stripper.finish()
