"""What may be kept of a value in a trace: no secret, no bytes, nothing without bounds.

A value is redacted by the words of its key, never by a part of a word: `api_key` is a secret,
`keyword`, `author` and `session_id` are none. What looks like a secret inside a text is redacted
wherever it stands. Nothing here raises, opens a file or reads more than its bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from itertools import islice
from math import isfinite
from pathlib import PurePath
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

REDACTED = "[redacted]"
CYCLE, TOO_DEEP, TOO_MUCH, UNREADABLE = "[cycle]", "[too deep]", "[too much]", "[unreadable]"

MAX_CHARS = 2000
MAX_DEPTH = 8
MAX_ITEMS = 100
MAX_NODES = 10_000
PAIR = 2
OVERLAP = 1024
"""Characters looked at beyond a cut, so that a secret which is cut in two is still known as one."""

WORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "token",
        "key",
        "apikey",
        "auth",
        "authorization",
        "credential",
        "credentials",
        "bearer",
        "private",
        "cookie",
        "jwt",
        "oauth",
        "cert",
        "certificate",
    }
)
"""A key with one of these words names a secret, whatever its value is."""

PLURALS = frozenset(
    {"passwords", "secrets", "tokens", "keys", "apikeys", "cookies", "certs", "certificates"}
)
"""These too, unless the value is a number: `prompt_tokens` is a count."""

PREFIXES = (
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "xoxs-",
    "hf_",
    "npm_",
    "pypi-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
)
"""How the keys of well-known services begin, and a JWT."""

LONG, SHORT = 32, 12
"""A run of letters and digits so long may be a key; a word so short holds none."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")
_LONG_RUN = re.compile(rf"[A-Za-z0-9_+/=-]{{{LONG},}}")
_PREFIXED = {
    prefix: re.compile(rf"(?<![A-Za-z0-9]){re.escape(prefix)}[A-Za-z0-9_.-]{{8,}}")
    for prefix in PREFIXES
}
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}-----|\Z)"
)
_SCHEME = re.compile(r"(?i)\b(?:bearer|basic)\s{1,8}[A-Za-z0-9._~+/=-]{4,}")
_USER = re.compile(r"(?<=://)[^\s/@:]{0,256}:[^\s/@]{1,256}(?=@)")
_ASSIGNED = re.compile(r"[\"']?\s{0,4}[=:]\s{0,4}(\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;)}\]]+)")
"""What follows the name of a secret that is given a value."""


def sanitised(value: object) -> Json:
    """Return what may be kept of a value; bounded, without secrets, ready for JSON.

    Mappings, sequences, sets and dataclasses are walked. Bytes become their digest and size; an
    error becomes its type, for its words might quote a request; another object its type too. What
    cannot be read is said to be so.
    """
    return _Walk().value(value, 0)


def sanitised_within(value: object, most_chars: int) -> Json | None:
    """Return what may be kept of a value, or None when its texts are longer than that together.

    It then stops to look: what is too large costs no more than what is just not.
    """
    walk = _Walk(most_chars)
    kept = walk.value(value, 0)
    return None if walk.too_long else kept


def is_secret(key: str, value: object = "") -> bool:
    """Say whether a key names a secret, by its words."""
    words = {word.lower() for word in _WORD.findall(key)}
    if words & WORDS:
        return True
    return bool(words & PLURALS) and not isinstance(value, int | float)


def without_secrets(text: str) -> str:
    """Redact what looks like a secret in a text, wherever it stands.

    Searching for words is ten times as fast as matching, and most texts hold none of them.
    """
    if len(text) < SHORT and text.isalnum():
        return text
    if "PRIVATE KEY" in text:
        text = _PEM.sub(REDACTED, text)
    for prefix, pattern in _PREFIXED.items():
        if prefix in text:
            text = pattern.sub(REDACTED, text)
    if "://" in text and "@" in text:
        text = _USER.sub(REDACTED, text)
    lower = _lower(text)
    if "bearer" in lower or "basic" in lower:
        text = _SCHEME.sub(REDACTED, text)
        lower = _lower(text)
    if "=" in text or ":" in text:
        text = _without_assigned(text, lower)
    if any(len(word) >= LONG for word in text.split()):
        text = _LONG_RUN.sub(_unless_key_like, text)
    return text


def _lower(text: str) -> str:
    """Write a text in lower case, each character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(one.lower() if one.isascii() else one for one in text)


def _without_assigned(text: str, lower: str) -> str:
    """Redact what is assigned to the name of a secret: `api_key="x"`, `clientSecret: x`."""
    spans: list[tuple[int, int]] = []
    for word in WORDS:
        at = lower.find(word)
        while at >= 0:
            begins = at == 0 or not text[at - 1].isalpha() or text[at].isupper()
            found = _ASSIGNED.match(text, at + len(word)) if begins else None
            if found is not None:
                spans.append(found.span(1))
            at = lower.find(word, at + 1)
    parts, until = list[str](), 0
    for began, ended in sorted(spans):
        if began >= until:
            parts += (text[until:began], REDACTED)
        until = max(until, ended)
    return "".join((*parts, text[until:])) if spans else text


def cut(text: str, most: int = MAX_CHARS) -> str:
    """Redact a text and cut it; a cut text says how long it was."""
    clean = without_secrets(text[: most + OVERLAP])
    if len(text) <= most and len(clean) <= most:
        return clean
    return f"{clean[:most]}... [{len(text)} characters]"


def weight(value: Json) -> int:
    """Tell about how many bytes a sanitised value takes."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + weight(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(weight, value))
    return 8


def _unless_key_like(found: re.Match[str]) -> str:
    """Redact a long run of letters of both cases and digits, as keys are; hex digests are none."""
    run = found.group()
    kinds = (str.isupper, str.islower, str.isdigit)
    return REDACTED if all(any(map(kind, run)) for kind in kinds) else run


class _Walk:
    """One walk over a value: knows what it is inside of, and how much it may still keep."""

    __slots__ = ("_chars", "_inside", "_left", "too_long")

    def __init__(self, most_chars: int = MAX_NODES * MAX_CHARS) -> None:
        self._inside: set[int] = set()
        self._left = MAX_NODES
        self._chars = most_chars
        self.too_long = False

    def value(self, value: object, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or self.too_long:
            return TOO_MUCH
        try:
            return self._plain(value, depth)
        except Exception:  # noqa: BLE001 - whatever a strange object raises, the trace goes on
            return UNREADABLE

    def _plain(self, value: object, depth: int) -> Json:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, Enum):
            return self._plain(cast("object", value.value), depth)
        if isinstance(value, float):
            return value if isfinite(value) else str(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes | bytearray | memoryview):
            raw = bytes(cast("bytes | bytearray", value))
            return {"sha256": sha256(raw).hexdigest(), "size": len(raw)}
        if isinstance(value, PurePath):
            return self._text(str(value))
        return self._container(value, depth)

    def _text(self, text: str) -> str:
        self._chars -= min(len(text), MAX_CHARS)
        if self._chars < 0:
            self.too_long = True
            return TOO_MUCH
        return cut(text)

    def _container(self, value: object, depth: int) -> Json:
        walk = _walker(value)
        if walk is None:
            return f"<{type(value).__name__}>"
        if id(value) in self._inside:
            return CYCLE
        if depth >= MAX_DEPTH:
            return TOO_DEEP
        self._inside.add(id(value))
        try:
            return walk(self, value, depth + 1)
        finally:
            self._inside.discard(id(value))

    def mapping(self, value: object, depth: int) -> Json:
        """Keep the first items of a mapping, or the fields of a dataclass."""
        if isinstance(value, Mapping):
            whole = cast("Mapping[object, object]", value)
            pairs: Iterable[tuple[object, object]] = whole.items()
            left_out = len(whole) - MAX_ITEMS
        else:
            known = fields(value)  # pyright: ignore[reportArgumentType] - `_walker` looked
            pairs = ((one.name, getattr(value, one.name)) for one in known)
            left_out = 0
        kept: dict[str, Json] = {}
        for key, item in islice(pairs, MAX_ITEMS):
            name = cut(key if isinstance(key, str) else f"{self.value(key, depth)}", 200)
            secret = is_secret(str(key) if isinstance(key, str) else name, item)
            kept[name] = REDACTED if secret else self.value(item, depth)
        if left_out > 0:
            kept["..."] = f"{left_out} more"
        return kept

    def sequence(self, value: object, depth: int) -> Json:
        """Keep the first items."""
        whole = cast("list[object] | tuple[object, ...] | set[object]", value)
        if isinstance(whole, tuple) and len(whole) == PAIR:
            # As metadata has them: a key and what it stands for.
            key = whole[0]
            if isinstance(key, str) and is_secret(key, whole[1]):
                return [cut(key), REDACTED]
        kept = [self.value(item, depth) for item in islice(whole, MAX_ITEMS)]
        if len(whole) > MAX_ITEMS:
            kept.append(f"... {len(whole) - MAX_ITEMS} more")
        return kept


def _walker(value: object) -> Callable[[_Walk, object, int], Json] | None:
    if isinstance(value, Mapping) or (is_dataclass(value) and not isinstance(value, type)):
        return _Walk.mapping
    if isinstance(value, list | tuple | set | frozenset):
        return _Walk.sequence
    return None
