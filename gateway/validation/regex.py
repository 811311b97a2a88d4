"""The regex check: RE2, so that no expression and no text can make it slow."""

from __future__ import annotations

from typing import Any, cast

from gateway.core.constraint import Regex
from gateway.core.value import value
from gateway.validation.finding import (
    LARGE_TEXT,
    PASSED,
    BrokenError,
    Finding,
    bounded,
    failed,
)

MAX_MEMORY = 2 * 1024 * 1024
"""Bytes that RE2 may use for one expression and its automaton."""


class RegexError(ValueError):
    """RE2 does not accept the expression; the message is RE2's own."""


@value
class Pattern:
    """A compiled expression. Offsets are bytes of UTF-8."""

    compiled: Any

    def end(self, data: bytes, start: int) -> int | None:
        """Return where a match that begins exactly at `start` ends, or None."""
        match = self.compiled.match(data, start)
        return None if match is None else cast("int", match.end())

    def occurs(self, data: bytes) -> bool:
        """Say whether the expression matches anywhere."""
        return self.compiled.search(data) is not None

    def covers(self, data: bytes) -> bool:
        """Say whether the expression matches everything from start to end."""
        return self.compiled.fullmatch(data) is not None


def _re2() -> Any:
    """The module, which has no types; an idle gateway does not load it."""
    import re2  # noqa: PLC0415 - see above

    return cast("Any", re2)


def compile_pattern(source: str, flags: str = "") -> Pattern:
    """Compile with RE2. `flags` is a subset of `ims`. Raises RegexError."""
    re2 = _re2()
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY
    prefix = f"(?{''.join(sorted(set(flags)))})" if flags else ""
    # The module's own `compile` keeps every expression in a cache whose size is not ours to bound.
    try:
        return Pattern(re2._Regexp(prefix + source, options))  # noqa: SLF001
    except re2.error as error:
        raw = error.args[0]
        message = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
        raise RegexError(message) from None
    except UnicodeEncodeError:
        raise RegexError("not valid Unicode") from None


@value
class RegexCheck:
    """The whole fill matches the expression."""

    pattern: Pattern

    def find(self, text: str) -> Finding:
        """Match from the first character to the last."""
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return failed("the fill is not valid Unicode")
        if self.pattern.covers(data):
            return PASSED
        return failed("the fill as a whole does not match the expression")

    def costly(self, length: int) -> bool:
        """Linear in the length, so only for long texts."""
        return length > LARGE_TEXT


def compile_regex(body: Regex) -> RegexCheck:
    """Build the check. Raises BrokenError with RE2's own message."""
    unknown = sorted(set(body.flags) - set("ims"))
    if unknown:
        raise BrokenError("regex.flags", "only i, m and s are known; leave the others out")
    try:
        return RegexCheck(compile_pattern(body.pattern, body.flags))
    except RegexError as error:
        raise BrokenError(
            "regex.pattern",
            f"not an RE2 expression: {bounded(error)}; RE2 has neither look-around nor "
            "backreferences",
        ) from None
