"""What holds for every text held against a parser, a GBNF grammar or a type."""

from __future__ import annotations

import ast
import importlib
import json
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tree_sitter import Language as Parsed
from tree_sitter import Parser

from gateway.core.constraint import Grammar, GrammarSyntax, TypeGoal, VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.core.running import TypeMismatch, TypeReport
from gateway.validation.finding import BrokenError, Finding
from gateway.validation.gbnf import compile_gbnf
from gateway.validation.languages import NAMES
from gateway.validation.treesitter import compile_tree_syntax
from gateway.validation.typed_source import typed_source
from gateway.validation.types import finding_of

MARK = "zqxjkv"
PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

# A busy machine is no failure of the product.
CALM = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
BATCHES = settings(CALM, max_examples=20)

LANGUAGES = sorted(set(NAMES) - {"ecmascript", "node", "nodejs", "mjs", "cjs", "mts", "cts"})
TOKENS = (
    *"(){}[]<>;:,.=+-*/%&|^~!?@#$\\\"'`\n\t \0",
    *("if", "else", "for", "return", "class", "fn", "func", "function", "let", "new", "=>", "->"),
    *("::", "//", "/*", "*/", "${", "#if 1\n", "#endif\n", "x", "1", "é", "😀", "\ud800", MARK),
    *(f"'{MARK}'", f'"{MARK}"', f" {MARK} "),
)
CODE = st.lists(st.sampled_from(TOKENS) | st.text(st.characters(), max_size=3), max_size=30).map(
    "".join
)
NESTED = st.builds(
    lambda unit, times, end: unit * times + end,
    st.text(st.sampled_from("([{<a.`?!="), min_size=1, max_size=3),
    st.integers(1, 200),
    st.sampled_from(["", ";", ")", "}"]),
)
ANY = CODE | NESTED


def has_error(language: str, text: str) -> bool:
    """Parse with the library alone, as its documentation says."""
    known = NAMES[language]
    capsule: object = getattr(importlib.import_module(known.package), known.factory)()
    return Parser(Parsed(capsule)).parse(text.encode()).root_node.has_error


@CALM
@given(language=st.sampled_from(LANGUAGES), prompt=CODE, fill=ANY, suffix=CODE)
def test_every_text_in_every_code_gets_a_verdict_that_a_second_parse_bears_out(
    language: str, prompt: str, fill: str, suffix: str
) -> None:
    check = compile_tree_syntax(language, prompt, suffix)
    finding = check.find(fill)
    assert MARK not in finding.reason
    assert finding.reason or finding.status is PASSED
    assert check.find(fill) == finding
    whole = prompt + fill + suffix
    if "\0" in whole or re.search("[\ud800-\udfff]", whole):
        assert finding.status is not PASSED
    else:
        assert {PASSED: False, FAILED: True}.get(finding.status, True) == has_error(language, whole)


@CALM
@given(language=st.sampled_from(LANGUAGES), code=st.lists(CODE, min_size=2, max_size=4))
def test_a_fill_that_made_its_code_parse_never_fails(language: str, code: list[str]) -> None:
    prompt, fill, *rest = code
    suffix = "".join(rest)
    if compile_tree_syntax(language, "", "").find(prompt + fill + suffix).status is PASSED:
        assert compile_tree_syntax(language, prompt, suffix).find(fill).status is PASSED


NAME = st.sampled_from(["a", "b", "c"])
EXPRESSION = st.recursive(
    NAME | st.sampled_from(["1", "2.5", "'s'", "`t${a}`", "/r/", "[]", "null", "(() => 1)"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "*", "<", "&&", "??"]), inner),
        st.builds("f({}, ...{})".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("a?.b[{}]".format, inner),
        st.builds("(a ? {} : {})".format, inner, inner),
        st.builds("(x => {})".format, inner),
    ),
    max_leaves=6,
)
STATEMENT = st.recursive(
    st.builds("{} = {};\n".format, NAME, EXPRESSION) | st.builds("f({})\n".format, EXPRESSION),
    lambda inner: st.one_of(
        st.builds("if ({}) {{ {} }} else {}".format, EXPRESSION, inner, inner),
        st.builds("for (const x of {}) {{ {} }}\n".format, EXPRESSION, inner),
        st.builds("{} {}".format, inner, inner),
        st.builds("try {{ {} }} catch {{ {} }}\n".format, inner, inner),
    ),
    max_leaves=5,
)
SPOILT = st.builds(
    lambda text, seed, what: spoil(text, random.Random(seed), what),
    STATEMENT,
    st.integers(0, 999),
    st.sampled_from(["", ")", "(", "}", "{", "=", ";", ",", "else", "'", "`"]),
)
NODE = shutil.which("node")
ASK_NODE = """
const vm = require("vm");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const accepts = (text) => { try { new vm.Script(text); return true } catch { return false } };
console.log(JSON.stringify(texts.map(accepts)));
"""


def spoil(text: str, choose: random.Random, what: str) -> str:
    """Put something in at a place, instead of a few characters or of none."""
    at = choose.randrange(len(text))
    return text[:at] + what + text[at + choose.randrange(3) :]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@BATCHES
@given(
    right=st.lists(STATEMENT, min_size=1, max_size=8),
    spoilt=st.lists(SPOILT, min_size=1, max_size=8),
)
def test_node_accepts_what_passes_and_refuses_what_fails(
    right: list[str], spoilt: list[str]
) -> None:
    """The grammar of tree-sitter is the wider one: it lets arguments be left out, for example."""
    assert NODE is not None
    prompt, suffix = "function f(a, b, c) {\n", "\n}\n"
    check = compile_tree_syntax("js", prompt, suffix)
    texts = json.dumps([f"{prompt}{fill}{suffix}" for fill in right + spoilt])
    done = subprocess.run(
        [NODE, "-e", ASK_NODE], input=texts, capture_output=True, text=True, check=True, timeout=50
    )
    accepted = json.loads(done.stdout)
    assert all(accepted[: len(right)])
    for fill in right:
        assert check.find(fill).status is PASSED, fill
    for fill, is_accepted in zip(spoilt, accepted[len(right) :], strict=True):
        assert check.find(fill).status is PASSED or not is_accepted, fill


# Pairs of the same language, in GBNF and as an expression of Python.
REGULAR = st.recursive(
    st.sampled_from(
        [('"a"', "a"), ('"ab"', "(?:ab)"), ("[ab]", "[ab]"), ("[^a]", "[^a]"), ('""', "(?:)")]
    ),
    lambda inner: st.one_of(
        st.builds(lambda x, y: (f"{x[0]} {y[0]}", f"{x[1]}{y[1]}"), inner, inner),
        st.builds(lambda x, y: (f"({x[0]} | {y[0]})", f"(?:{x[1]}|{y[1]})"), inner, inner),
        st.builds(
            lambda x, sign: (f"({x[0]}){sign}", f"(?:{x[1]}){sign}"),
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}"]),
        ),
    ),
    max_leaves=6,
)


@CALM
@given(pair=REGULAR, texts=st.lists(st.text("abc", max_size=6), min_size=1, max_size=12))
def test_a_regular_grammar_means_the_same_as_an_expression(
    pair: tuple[str, str], texts: list[str]
) -> None:
    check = compile_gbnf(Grammar(GrammarSyntax.GBNF, f"root ::= {pair[0]}"))
    for text in texts:
        matches = re.fullmatch(pair[1], text) is not None
        assert check.find(text).status is (PASSED if matches else FAILED), text


SUM = r"""
root ::= sum
sum ::= product (("+" | "-") product)*
product ::= factor{1,3}
factor ::= [0-9]+ | "(" sum ")" | "\"" [^"\\]* "\""
"""
DERIVED = st.recursive(
    st.integers(0, 99).map(str) | st.text("a(+é😀", max_size=3).map('"{}"'.format),
    lambda inner: st.one_of(
        st.builds("({}+{})".format, inner, inner),
        st.builds("({}({}))".format, inner, inner),
    ),
    max_leaves=8,
)


@CALM
@given(text=DERIVED, seed=st.integers(0, 999), what=st.text('0("', max_size=2))
def test_what_a_grammar_derives_passes_and_a_prefix_is_told_from_an_error(
    text: str, seed: int, what: str
) -> None:
    check = compile_gbnf(Grammar(GrammarSyntax.GBNF, SUM))
    assert check.find(text).status is PASSED
    spoilt = spoil(text, random.Random(seed), what)
    finding = check.find(spoilt)
    if finding.status is FAILED and "ends" not in finding.reason:
        # The place that is named is right: everything before it is a good start.
        column = int(re.findall(r"column (\d+)", finding.reason)[0])
        assert check.find(spoilt[:column]).status is FAILED
        assert "ends" in check.find(spoilt[: column - 1]).reason or (
            check.find(spoilt[: column - 1]).status is PASSED
        )


GRAMMARS = st.lists(
    st.sampled_from([
        *("root ::= ", "a", "b ::= ", '"x"', '"', "[", "]", "^", "-", "(", ")", "|", "*", "{2,"),
        *("}", "\n", " ", "#", "\\", "\\x41", "\\u00e9", "<t>", "!", ".", "\ud800", "\0", "::="),
    ]) | st.text(st.characters(), max_size=2),
    max_size=25,
).map("".join)  # fmt: skip


@CALM
@given(text=GRAMMARS | GRAMMARS.map("root ::= ".__add__), fill=ANY)
def test_every_text_is_a_grammar_or_refused_with_a_field(text: str, fill: str) -> None:
    try:
        check = compile_gbnf(Grammar(GrammarSyntax.GBNF, text))
    except BrokenError as error:
        assert error.field == "grammar.text"
        assert 0 < len(error.description) < 400
    else:
        finding = check.find(fill)
        assert MARK not in finding.reason
        assert finding.reason or finding.status is PASSED


VALUE = st.recursive(
    st.sampled_from(["a", "1", "'€😀'", "[]", "None", "f()", "lambda: 1"]),
    lambda inner: st.one_of(
        st.builds("{} + {}".format, inner, inner),
        st.builds("f({},\n  {})".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("[{}, {}]  # é\n".format, inner, inner),
        st.builds("{} if {} else {}".format, inner, inner, inner),
    ),
    max_leaves=5,
)
FRAMES = st.sampled_from([
    ("x = ", "\n"),
    ("x = (", "\n)\ny: int = 2 * 3\n"),
    ("'''Doc.'''\nfrom __future__ import annotations\ndef f(a, b: int = ", "\n): return a\n"),
    ("def f(a):\n    return 2 * ", "\n"),
    ("x = a.b(", "\n, é='😀')["),
    ("for x in ", ":\n  pass\n"),
])  # fmt: skip
BINDINGS = st.lists(st.tuples(st.sampled_from(["a", "f", "zz"]), st.just("List[int]")), max_size=2)


class Unwrapped(ast.NodeTransformer):
    """Takes the calls of ours away again."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        ours = isinstance(node.func, ast.Name) and node.func.id.startswith("_typed_")
        return node.args[0] if ours else node


@CALM
@given(frame=FRAMES, text=VALUE | CODE, bindings=BINDINGS)
def test_the_source_to_be_checked_means_what_the_code_does(
    frame: tuple[str, str], text: str, bindings: list[tuple[str, str]]
) -> None:
    hole = Hole(*frame, HoleSpec(language="python"))
    typed = typed_source(hole, TypeGoal("int", bindings=tuple(bindings)), text)
    if isinstance(typed, Finding):
        assert typed.status is UNCHECKED
        assert MARK not in typed.reason
        return
    lines = typed.source.split("\n")
    kept = lines[: typed.added.start - 1] + lines[typed.added.stop - 1 :]
    plain = Unwrapped().visit(ast.parse("\n".join(kept)))
    assert ast.dump(plain) == ast.dump(ast.parse(f"{frame[0]}{text}{frame[1]}"))


@CALM
@given(frame=FRAMES, text=VALUE, bindings=BINDINGS)
def test_an_error_fails_the_fill_exactly_where_the_fill_is(
    frame: tuple[str, str], text: str, bindings: list[tuple[str, str]]
) -> None:
    hole = Hole(*frame, HoleSpec(language="python"))
    typed = typed_source(hole, TypeGoal("int", bindings=tuple(bindings)), text)
    if isinstance(typed, Finding) or typed.argument is None:
        return
    for number, line in enumerate(typed.source.split("\n"), 1):
        for column in range(1, len(line.encode("utf-16-le")) // 2 + 1):
            report = TypeReport((TypeMismatch(number, column, "reportX"),))
            inside = typed.argument <= (number, column) < typed.end
            assert (finding_of(report, typed).status is FAILED) == inside
