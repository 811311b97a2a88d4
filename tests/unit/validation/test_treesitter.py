"""The syntax check of other languages than Python: whole files, fragments, and what is too much."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from gateway.core.constraint import VerdictStatus
from gateway.core.hole import Hole, HoleSpec
from gateway.validation import languages, tree, treesitter
from gateway.validation.compile import compile_checks
from gateway.validation.finding import Check, Fixed
from gateway.validation.languages import GO, JAVA, NAMES, grammar_of
from gateway.validation.tree import BALANCED, Balance, StepsSpentError, TreeParser, balance
from gateway.validation.treesitter import MAX_TOKENS, TreeSyntax, compile_tree_syntax
from tests.fakes.programs import PROGRAMS

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

GARBAGE = ("= = ;\n", ") ) ;\n", "( [ ;\n", "@ # } {\n")


def lines_of(language: str) -> Iterator[tuple[list[str], int]]:
    lines = PROGRAMS[language].splitlines(keepends=True)
    for index, line in enumerate(lines):
        if line.strip():
            yield lines, index


def check(language: str, prompt: str = "", suffix: str = "") -> Check:
    return compile_tree_syntax(language, prompt, suffix)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_cut_line_passes_when_it_is_put_back(language: str) -> None:
    for lines, index in lines_of(language):
        found = check(language, "".join(lines[:index]), "".join(lines[index + 1 :]))
        assert found.find(lines[index]).status is PASSED


# Between the tags of TSX, garbage is a text to be shown.
@pytest.mark.parametrize("language", sorted(PROGRAMS.keys() - {"tsx"}))
def test_garbage_never_passes_and_fails_in_place_of_a_statement(language: str) -> None:
    failures = 0
    for lines, index in lines_of(language):
        found = check(language, "".join(lines[:index]), "".join(lines[index + 1 :]))
        # Without the line, the rest parses: it is no opening of a block.
        alone = found.find("\n").status is PASSED
        for garbage in GARBAGE:
            status = found.find(garbage).status
            assert status is not PASSED
            assert status is FAILED or not alone
            failures += status is FAILED
    assert failures > 10


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_window_of_a_file_never_makes_a_right_line_wrong(language: str) -> None:
    for lines, index in lines_of(language):
        for width in (1, 2, 4, 8):
            above, below = lines[max(0, index - width) : index], lines[index + 1 :][:width]
            suffix = "".join(below)
            if suffix and not suffix.strip():
                # Which would say that the fill is the end.
                continue
            window = check(language, "".join(above), suffix)
            assert window.find(lines[index]).status is not FAILED, (above, lines[index], below)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_hole_inside_a_line_is_checked_too(language: str) -> None:
    for lines, index in lines_of(language):
        line = lines[index]
        middle = len(line) // 2
        prompt = "".join(lines[:index]) + line[:middle]
        found = check(language, prompt, "\n" + "".join(lines[index + 1 :]))
        assert found.find(line[middle:-1]).status is PASSED


@pytest.mark.parametrize(
    ("language", "prompt", "fill", "suffix", "words"),
    [
        ("js", "if (a) {\n", "x = 1;\ny = = 2;", "\n}\n", "invalid syntax (line 2 of the fill)"),
        ("js", "if (a) {\n", "if (b) {", "\n}\n", "'}' is missing (in the code after the fill)"),
        ("c", "int f(void) {\n", "\nreturn 1", "\n}\n", "';' is missing (line 2 of the fill)"),
        ("js", "let a = 1;\n", "}", "\nlet b = 1;\n", "invalid syntax (line 1 of the fill)"),
        ("js", "if (a) {\n", "}", "\n}\n", "invalid syntax (in the code after the fill)"),
        ("js", "let a = ", ";", "\n", "invalid syntax (in the code before the fill)"),
    ],
)  # fmt: skip
def test_the_reason_says_what_is_wrong_and_where(
    language: str, prompt: str, fill: str, suffix: str, words: str
) -> None:
    found = check(language, prompt, suffix).find(fill)
    assert (found.status, found.reason) == (FAILED, words)


@pytest.mark.parametrize(
    ("language", "prompt", "fill"),
    [
        ("js", "function f(a) {\n  return ", "a"),
        ("java", "class A {\n  int f() {\n    return ", "1;\n  }"),
        ("rust", "fn f() {\n    g(", "1"),
    ],
)
def test_without_a_suffix_the_fill_must_end_the_code(language: str, prompt: str, fill: str) -> None:
    assert check(language, prompt).find(fill).status is FAILED


@pytest.mark.parametrize(
    ("language", "prompt", "right", "wrong", "suffix"),
    [
        ("js", "  const x = ", "1", "= 1", ";\n  return x;\n}\n"),
        ("js", "  f() {\n    ", "return 1;", "return = 1;", "\n  }\n\n  g() {\n    h();\n"),
        ("js", "  a: 1,\n  ", "b() { return 2 },", "b c", "\n  c: 3,\n}\n"),
        ("ts", "  name: string;\n  ", "f(x: number): void;", "a b c", "\n  age?: number;\n}\n"),
        ("go", "\tx := ", "f(1)", ":= 1", "\n\treturn x\n}\n\nfunc g() {}\n"),
        ("rust", "    let x = ", "f(1)", "= 1", ";\n    x\n}\n"),
        ("java", "    int x = ", "f(1)", "= 1", ";\n    return x;\n  }\n}\n"),
        ("java", "    int f() {}\n\n", "    int x;", "    int x int;", "\n\n    int h() {\n"),
        ("c", "    int x = ", "f(1)", "= 1", ";\n    return x;\n}\n#endif\n"),
        ("c++", "    T x = ", "f<T>(1)", "= 1", ";\n    return x;\n  }\n};\n"),
        ("c", "#ifdef A\nint x = ", "1", "= 1", ";\nint y;\n"),
    ],
)  # fmt: skip
def test_in_a_fragment_a_wrong_fill_fails_and_a_right_one_is_left_open(
    language: str, prompt: str, right: str, wrong: str, suffix: str
) -> None:
    found = check(language, prompt, suffix)
    assert found.find(right).status is UNCHECKED
    assert "completed, it parses" in found.find(right).reason
    assert found.find(wrong).status is FAILED
    # Its brackets may belong to code that nobody sees.
    assert found.find("} else {").status is UNCHECKED


@pytest.mark.parametrize(
    ("prompt", "suffix"),
    [("Please write a function that adds:\n", ""), ("let x = 1;\n", "\n) else (\n")],
)
def test_surroundings_that_nothing_makes_parse_are_unchecked(prompt: str, suffix: str) -> None:
    for fill in ("let y = 2;", "let = = 2;"):
        found = check("js", prompt, suffix).find(fill)
        assert found.status is UNCHECKED
        assert "fragment" in found.reason


def test_an_error_that_the_tree_does_not_show_has_no_place() -> None:
    """The Go grammar misses an end of the statement that has no name."""
    root = TreeParser(grammar_of(GO), 100).root(b"x := f()\nif x {\n}")
    assert root.has_error
    assert list(tree.errors(root)) == []
    assert check("go").find("x := f()\nif x {\n}").reason == "invalid syntax"
    assert check("go", "\tx := f()\n\tif x {\n", "}").find("\tg()\n").status is UNCHECKED


def test_an_error_may_reach_from_before_the_fill_into_it() -> None:
    found = check("tsx", "let a = <b>", "</b>;\n").find("<i>")
    assert found.reason == "invalid syntax (in the code before the fill and on into it)"


def test_a_comment_is_a_fill_like_any_other() -> None:
    for language in PROGRAMS:
        assert check(language).find("// nothing\n").status is PASSED


def test_the_code_nearest_to_the_hole_is_parsed_when_there_is_too_much() -> None:
    function = "function f(a) {\n  return a + 1;\n}\n\n"
    long = function * 300
    found = check("js", long + "function g(a) {\n  ", "\n}\n" + long)
    assert found.find("return a;").status is UNCHECKED
    assert "too long to be parsed whole" in found.find("return a;").reason
    assert found.find("return = a;").status is FAILED
    longer = check("js", function * 1000, function * 1000)
    assert longer.find("return = a;").status is FAILED


def test_a_fill_that_fits_beside_the_nearest_code_only_is_parsed_there() -> None:
    around = "f(a);\n" * 200
    found = check("js", around, around)
    assert found.find("g();\n").status is PASSED
    assert "too long to be parsed whole" in found.find("g();\n" * 150).reason
    assert found.find("g();\n" * 450).reason == f"code above {MAX_TOKENS} tokens is not parsed"


def test_lines_too_long_for_a_parser_are_unchecked() -> None:
    for prompt, suffix in (("a;" * 2000, ""), ("", "a;" * 2000)):
        assert "tokens is not parsed" in check("js", prompt, suffix).find("x").reason


def test_what_the_parser_finds_no_end_with_is_unchecked() -> None:
    found = check("c", "int f(void) {\n", "\n}\n").find("}* " * 700)
    assert (found.status, found.reason) == (UNCHECKED, "the parser finds no end with this code")


def test_code_around_that_takes_too_long_once_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[object] = []

    def endless(*arguments: object) -> tuple[()]:
        tried.append(arguments)
        raise StepsSpentError

    monkeypatch.setattr(treesitter, "frames_of", endless)
    found = check("java", "class A {\n", "\n}\n")
    for _ in range(2):
        assert "fragment" in found.find("int x = = 1;").reason
    assert found.find("int x = 1;").status is PASSED
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("fill", "status"),
    [
        ("x = 1\0", FAILED),
        ("x = '\ud800'", FAILED),
        ("é = 1", PASSED),
        ("x = '😀'", PASSED),
        ("(" * 2000, FAILED),
        ("[" * 100_000, UNCHECKED),
        ("a<" * 1200, FAILED),
        ("`${" * 300, FAILED),
    ],
)
def test_strange_texts_get_a_verdict(fill: str, status: VerdictStatus) -> None:
    assert check("js").find(fill).status is status
    for language in PROGRAMS:
        assert check(language).find(fill).reason is not None


@pytest.mark.parametrize(("prompt", "suffix"), [("\0", ""), ("", "\ud800"), ("// \ud800\n", "")])
def test_code_around_that_is_no_text_is_unchecked(prompt: str, suffix: str) -> None:
    found = check("js", prompt, suffix)
    assert found.find("x").status is UNCHECKED
    assert not found.costly(10**6)


def test_only_short_code_is_cheap() -> None:
    found = check("js", "x;\n" * 100, "x;\n" * 100)
    assert not found.costly(400)
    assert found.costly(500)


def test_languages_are_known_by_all_their_names() -> None:
    names = ["JavaScript", "js", "JSX", "ts", "TSX", "golang", "rs", "Java", "C", "C++", "cpp"]
    for name in names:
        (_, syntax) = compile_checks(Hole("", spec=HoleSpec(language=name))).run("// a\n")
        assert (syntax.constraint, syntax.status, syntax.required) == ("syntax", PASSED, False)
    for name in NAMES:
        assert isinstance(check(name), TreeSyntax)


def test_an_unknown_language_is_unchecked() -> None:
    found = check("cobol").find("x")
    assert (found.status, found.reason) == (
        UNCHECKED,
        "no parser for this language is configured",
    )


@pytest.mark.parametrize("error", [ImportError("gone"), ValueError("Incompatible version")])
def test_without_the_extra_the_reason_names_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def missing(name: str) -> object:
        raise error

    monkeypatch.setattr(languages.importlib, "import_module", missing)
    grammar_of.cache_clear()
    found = check("java", "class A {\n", "\n}\n")
    assert isinstance(found, Fixed)
    assert "pip install 'ensemble-gateway[syntax]'" in found.find("x").reason


def test_a_language_s_parser_is_loaded_with_the_first_hole_in_it() -> None:
    code = (
        "import sys; from gateway.validation.compile import compile_checks;"
        "from gateway.core.hole import Hole, HoleSpec;"
        "loaded = lambda: sorted(n for n in sys.modules if n[:5] == 'tree_' and '.' not in n);"
        "print('tree_sitter' in sys.modules, loaded());"
        "compile_checks(Hole('', spec=HoleSpec(language='go'))); print(loaded())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.splitlines() == ["False []", "['tree_sitter', 'tree_sitter_go']"]


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("class A { }", BALANCED),
        ("} ) {", Balance(("}", ")"), (), ("}",))),
        ("class A { int f() { return g(1; } ", Balance((), (")",), ("}",))),
        ("\"{\" + '{' /* { */ // {\n", BALANCED),
    ],
)
def test_brackets_are_matched_outside_strings_and_comments(code: str, left: Balance) -> None:
    assert balance(TreeParser(grammar_of(JAVA), 100).root(code.encode())) == left
