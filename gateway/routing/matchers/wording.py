"""What of a request is written for people, and so says what the request is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from gateway.core.hole import Hole
from gateway.routing.matchers.tokens import KEPT, Words, words_of

MOST_CHARS = 4_000
"""Characters read of an intent, or of the code before a hole."""

MOST_RULE_CHARS = 1_000
"""Characters read of the names and words of all constraints together."""

_DOCSTRING = (
    r"\"\"\"([^\"]*(?:\"(?!\"\")[^\"]*)*)(?:\"\"\"|\Z)"
    r"|'''([^']*(?:'(?!'')[^']*)*)(?:'''|\Z)"
)
_BLOCK = r"/\*([^*]*(?:\*(?!/)[^*]*)*)(?:\*/|\Z)"
_SLASHES = r"//(?<!://)([^\n]*)"
_DASHES = r"--(?<!\S--)([^\n]*)"
_HASH = r"#(?<!\S#)(?!\[|(?:include|define|undef|pragma|if|ifdef|ifndef|elif|else|endif)\b)([^\n]*)"
# Each begins with a sign of its own, for which the search may look before it tries anything.


def _either(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_ANY = _either(_DOCSTRING, _BLOCK, _SLASHES, _HASH)
"""Comments of code in a language that is not stated or not known."""

_HASHED = _either(_DOCSTRING, _HASH)
_SLASHED = _either(_BLOCK, _SLASHES)
_DASHED = _either(_BLOCK, _DASHES)

_COMMENTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        **dict.fromkeys(("python", "py", "ruby", "bash", "sh", "shell", "yaml", "r"), _HASHED),
        **dict.fromkeys(("javascript", "js", "jsx", "typescript", "ts", "tsx", "java"), _SLASHED),
        **dict.fromkeys(("go", "golang", "rust", "rs", "c", "c++", "cpp", "c#"), _SLASHED),
        **dict.fromkeys(("csharp", "kotlin", "swift", "scala", "dart"), _SLASHED),
        **dict.fromkeys(("sql", "lua", "haskell"), _DASHED),
    }
)
"""What a comment looks like, by language; `//` divides in Python, `#` is no comment in Java."""

_CODE = re.compile(
    r"[ \t]*(?:(?:async[ ])?def[ ]\w|class[ ]\w+[ ]*[:({<]|from[ ]\S+[ ]import[ ]"
    r"|import[ ][^\n]*[;'\"]|import[ ][\w.]+(?:[ ]as[ ]\w+)?$|#include|@\w+|/[/*]"
    r"|(?:pub|export|public|private|static|fn|func|function|struct|const|let|var)[ ]+\w+"
    r"|[\w.\[\]]+[ ]*(?::[ ]*\S+[ ]*)?=[ ])"
)
"""How a line begins that only code has."""

_ENDS = re.compile(r"[;{}][ \t]*(?:$|//|/\*|#|--)")
"""How a line of code ends, but for a comment."""

_DEFINITION = re.compile(
    r"[ \t]*(?:(?:pub|export|public|private|static|async|abstract|final|default)[ ]+)*"
    r"(?:def|class|fn|func|function|struct|interface|trait|enum)[ ]+(\w+)"
)

_PROSE = re.compile(
    r"[ \t>*-]*(?!(?:if|elif|else|for|while|return|with|assert|raise|yield|await|not|import|from"
    r"|def|class|async|try|except|case|match|print|func|function|const|let|var|public|private"
    r")\b)[^\W\d_][^={};<>]*$"
)
_FEWEST_WORDS = 4
"""A line among code is prose when it has that many words and none of the signs of code."""


def words_of_request(hole: Hole) -> Words:
    """Read the words of a request, at most `MOST_CHARS` + `MOST_RULE_CHARS` characters."""
    return words_of(request_text(hole))


def request_text(hole: Hole) -> str:
    """Return what a request says in words.

    The caller's intent, when given. Else of the prompt, when it is code: the comments, docstrings
    and lines of prose near its end, and the name of the last thing defined, because what the code
    itself uses says little about what is wanted: `import json` asks for no JSON. A prompt that is
    no code counts whole, its two ends when it is long. Besides, the names and words of the
    requirements. What follows the hole never counts.
    """
    spec = hole.spec
    intent = "" if spec.origin is None else spec.origin.intent
    said = _ends(intent) if intent.strip() else _of_prompt(hole.prompt, spec.language)
    rules = [f"{fill.kind} {fill.value[:MOST_RULE_CHARS]}" for fill in spec.fill_constraints]
    rules += [constraint.name for constraint in hole.constraints]
    return "\n".join((said, "\n".join(rules)[:MOST_RULE_CHARS]))


def _ends(text: str) -> str:
    if len(text) <= MOST_CHARS:
        return text
    half = MOST_CHARS // 2
    return f"{text[:half]}\n{text[-half:]}"


def _of_prompt(prompt: str, language: str) -> str:
    code = prompt[-MOST_CHARS:]
    said = _of_code(code, language, is_cut=len(code) < len(prompt))
    return _ends(prompt) if said is None else said


@lru_cache(maxsize=KEPT)
def _of_code(code: str, language: str, *, is_cut: bool) -> str | None:
    lines = code.split("\n")
    if not any(map(_is_code, lines)):
        return None
    if is_cut:
        # A cut may fall into a docstring, and its end would look like the beginning of one.
        first = next((at for at, line in enumerate(lines) if _DEFINITION.match(line)), 0)
        code = "\n".join(lines[first:])
    said: list[str] = []

    def take(comment: re.Match[str]) -> str:
        said.append(comment[comment.lastindex or 0])
        return "\n"

    bare = _COMMENTS.get(language.strip().casefold(), _ANY).sub(take, code).split("\n")
    said = [line for text in said for line in text.split("\n") if not _is_example(line)]
    said += [line for line in bare if _PROSE.match(line) and len(line.split()) >= _FEWEST_WORDS]
    defined = (found[1] for line in reversed(bare) if (found := _DEFINITION.match(line)))
    said.append(next(defined, ""))
    return "\n".join(said)


def _is_code(line: str) -> bool:
    return _CODE.match(line) is not None or _ENDS.search(line) is not None


def _is_example(line: str) -> bool:
    return line.lstrip().startswith((">>>", "..."))
