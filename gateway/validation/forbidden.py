"""Checks that need nothing but the text: not empty, and none of the forbidden strings."""

from __future__ import annotations

from gateway.core.constraint import ForbiddenText
from gateway.core.value import value
from gateway.validation.finding import LARGE_TEXT, PASSED, BrokenError, Finding, failed


@value
class NonEmpty:
    """The fill has something other than white space."""

    def find(self, text: str) -> Finding:
        """Look for a visible character."""
        return PASSED if text.strip() else failed("the fill is empty or white space only")

    def costly(self, length: int) -> bool:
        """Never."""
        del length
        return False


@value
class Forbidden:
    """None of the literal strings occurs in the fill; upper and lower case differ."""

    texts: tuple[str, ...]

    def find(self, text: str) -> Finding:
        """Name the first forbidden string that occurs by its place in the list, from 0."""
        for index, forbidden in enumerate(self.texts):
            if forbidden in text:
                return failed(f"texts[{index}] of the constraint occurs in the fill")
        return PASSED

    def hopeless(self, beginning: str) -> bool:
        """What occurs in the beginning occurs in the whole."""
        return any(forbidden in beginning for forbidden in self.texts)

    def costly(self, length: int) -> bool:
        """A long text, once for each string."""
        return length * len(self.texts) > LARGE_TEXT * 16


def compile_forbidden(body: ForbiddenText) -> Forbidden:
    """Build the check. Raises BrokenError for an empty list or an empty string in it."""
    if not body.texts:
        raise BrokenError("forbidden_text.texts", "must hold at least one string")
    if "" in body.texts:
        index = body.texts.index("")
        raise BrokenError(
            f"forbidden_text.texts[{index}]",
            "must not be empty, because the empty string occurs in every fill",
        )
    return Forbidden(body.texts)
