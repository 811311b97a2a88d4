"""Files and functions stay small, and are named for what they hold."""

from __future__ import annotations

import ast
import re
import statistics

from tests.house.sources import EVERYTHING, PRODUCT, ROOT, lines, python_files, shown, tree

VAGUE = re.compile(
    r"^(utils?|commons?|helpers?|managers?|.*_(utils?|helpers?|manager)|base2|.*v2)$"
)


def test_no_file_is_over_400_lines():
    long = {shown(path): lines(path) for path in python_files(*EVERYTHING) if lines(path) > 400}
    assert long == {}


def test_the_median_file_of_the_product_is_at_most_110_lines():
    assert statistics.median(lines(path) for path in python_files(*PRODUCT)) <= 110


def test_no_function_is_over_70_lines():
    long = {
        f"{shown(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in python_files(*EVERYTHING)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > 70
    }
    assert long == {}


def test_no_file_or_folder_has_a_name_that_says_nothing():
    vague = [
        shown(path)
        for path in python_files(*EVERYTHING)
        if any(VAGUE.match(part) for part in path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert vague == []
