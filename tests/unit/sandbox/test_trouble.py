from __future__ import annotations

import pytest

from gateway.sandbox.trouble import MAX_WORDS, NAMESPACES, explain, too_new


@pytest.mark.parametrize(
    "words",
    [
        "bwrap: No permissions to create a new namespace, likely because the kernel does not",
        "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces",
        "bwrap: setting up uid map: Permission denied",
        "bwrap: Can't mount proc on /newroot/proc: Operation not permitted",
        "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
    ],
)
def test_what_a_kernel_forbids_comes_with_the_mending(words: str) -> None:
    assert explain(words, 1).startswith("bwrap ended with exit status 1: bwrap: ")
    assert explain(words, 1).endswith(f" ({NAMESPACES})")


def test_an_old_python_is_named() -> None:
    words = "Python 3.11 or newer is needed in the sandbox\n"
    assert "name a Python of version 3.11 or newer" in explain(words, 1)


def test_anything_else_is_passed_on_in_one_short_line() -> None:
    assert explain("first\nlast\n \n", 3) == "bwrap ended with exit status 3: last"
    assert len(explain("x" * 9999, 3)) < MAX_WORDS + 60
    assert explain("", -9) == "bwrap ended with exit status -9"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bwrap: Unknown option --disable-userns", True),
        ("bwrap: cannot open /proc/sys/user/max_user_namespaces: Read-only file system", True),
        ("bwrap: No permissions to create a new namespace", False),
    ],
)
def test_what_fails_for_want_of_one_option_can_be_tried_without(words: str, expected: bool) -> None:
    assert too_new(words) is expected
