"""What a trace may keep of a value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from gateway.core.sanitise import (
    CYCLE,
    MAX_ITEMS,
    MAX_NODES,
    OVERLAP,
    REDACTED,
    TOO_DEEP,
    TOO_MUCH,
    UNREADABLE,
    cut,
    is_secret,
    sanitised,
    weight,
    without_secrets,
)


class Colour(StrEnum):
    RED = "red"


@dataclass
class Login:
    user: str
    password: str


class Broken(Mapping[str, str]):
    def __getitem__(self, key: str) -> str:
        raise OSError("gone")

    def __iter__(self) -> Iterator[str]:
        raise OSError("gone")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "key",
    [
        "password", "passwd", "pwd", "API_KEY", "apiKey", "x-api-key", "authToken", "Authorization",
        "credentials", "client_secret", "bearer", "private", "Set-Cookie", "jwt", "oauth2_token",
        "tls.cert", "certificate", "accessTokens", "HTTPAuth",
    ],
)  # fmt: skip
def test_a_key_is_secret_by_one_of_its_words(key: str) -> None:
    """V-08 ✗: keys varied, so only the spellings that were listed were dropped."""
    assert is_secret(key)
    assert sanitised({key: "x"}) == {key: REDACTED}


@pytest.mark.parametrize(
    "key", ["session_id", "keyword", "author", "monkey", "tokenizer", "authority", "compass"]
)
def test_a_part_of_a_word_makes_no_secret(key: str) -> None:
    """V-08 ✗: a search for parts of words wiped session_id, keyword and author."""
    assert not is_secret(key)
    assert sanitised({key: "x"}) == {key: "x"}


def test_a_count_of_tokens_is_no_secret_but_a_list_of_them_is() -> None:
    kept = sanitised({"prompt_tokens": 12, "tokens": ["a"]})
    assert kept == {"prompt_tokens": 12, "tokens": REDACTED}


def test_secrets_are_found_at_any_depth_and_in_any_container() -> None:
    """V-08 ✗: nested values, metadata and tuples were passed over."""
    value = {
        "metadata": ({"headers": [("authorization", "x"), {"token": {"deep": "s3"}}]},),
        "login": Login("ann", "hunter2"),
    }
    assert sanitised(value) == {
        "metadata": [{"headers": [["authorization", REDACTED], {"token": REDACTED}]}],
        "login": {"user": "ann", "password": REDACTED},
    }


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-123",
        "basic dXNlcjpwYXNz",
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
        "use sk-proj-0123456789 here",
        "ghp_0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA0123456789abcdefghij",
        "postgres://ann:hunter2@db/x",
        "password=hunter2",
        'api_key: "two words"',
        "x_secret = 'open end",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE and then cut",
        "run Abcdefghij0123456789Abcdefghij0123456789",
    ],
)
def test_what_looks_like_a_secret_is_redacted_inside_a_text(text: str) -> None:
    """V-08 ✗: secrets inside values stayed."""
    clean = without_secrets(text)
    assert REDACTED in clean
    for secret in ("abc.def", "dXNl", "c2ln", "sk-proj", "0123456789", "IOSFODNN", "hunter2",
                   "two words", "open end", "MIIE"):  # fmt: skip
        assert secret not in clean


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b):\n    return a + b\n",
        hashlib.sha256(b"").hexdigest(),
        "monkey: banana",
        "x = y",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert cut("word " * 1000) == "word " * 400 + "... [5000 characters]"
    assert cut("short") == "short"


def test_a_secret_across_the_cut_is_seen_whole() -> None:
    text = "a " * 45 + "sk-" + "z" * 40
    assert "zzzz" not in cut(text, 100)
    key = "a" * 90 + " -----BEGIN PRIVATE KEY-----\n" + "x" * OVERLAP * 2
    assert "xxxx" not in cut(key, 1000)


def test_bytes_become_a_digest_and_a_size() -> None:
    """V-08, V-10 ✗: payloads were embedded in base64."""
    digest = {"sha256": hashlib.sha256(b"abc").hexdigest(), "size": 3}
    assert sanitised([b"abc", bytearray(b"abc"), memoryview(b"abc")]) == [digest] * 3


def test_files_are_never_opened(tmp_path: Path) -> None:
    """V-08 ✗: the content of any path could get into a trace."""
    file = tmp_path / "notes"
    file.write_text("content")
    assert sanitised({"file": file, "open": file.open}) == {"file": str(file), "open": "<method>"}


def test_plain_values_stay_plain() -> None:
    assert sanitised([None, True, 3, 1.5, Colour.RED, float("nan"), {1: 2}]) == [
        None, True, 3, 1.5, "red", "nan", {"1": 2},
    ]  # fmt: skip
    assert sanitised(ValueError("quotes a prompt")) == "<ValueError>"
    assert sanitised(Login) == "<type>"
    assert sanitised(frozenset({"a"})) == ["a"]


def test_cycles_and_depths_end() -> None:
    looped: list[Any] = [1]
    looped.append(looped)
    assert sanitised(looped) == [1, CYCLE]
    assert sanitised([looped[0], [1], [1]]) == [1, [1], [1]]
    deep: Any = "end"
    for _ in range(20):
        deep = [deep]
    assert TOO_DEEP in str(sanitised(deep))


def test_items_and_nodes_are_bounded() -> None:
    assert sanitised(list(range(MAX_ITEMS + 5)))[-1] == "... 5 more"  # type: ignore[index]
    many = sanitised({str(number): 1 for number in range(MAX_ITEMS + 5)})
    assert isinstance(many, dict)
    assert many["..."] == "5 more"
    wide = [[[1] * MAX_ITEMS] * MAX_ITEMS] * MAX_ITEMS
    kept = sanitised(wide)
    assert TOO_MUCH in str(kept)
    assert weight(kept) < MAX_NODES * 20


def test_sanitising_never_raises() -> None:
    assert sanitised({"a": Broken(), "b": 1}) == {"a": UNREADABLE, "b": 1}


def test_the_weight_counts_keys_and_values() -> None:
    assert weight({"abc": ["de", 1, None]}) == 3 + 2 + 8 + 8


def test_texts_whose_letters_change_their_number_in_lower_case_are_searched_too() -> None:
    assert without_secrets("İİ password=hunter2 ß") == f"İİ password={REDACTED} ß"


def test_one_value_for_two_names_is_redacted_once() -> None:
    assert without_secrets("auth: token=abc x") == f"auth: {REDACTED} x"


def test_a_name_inside_of_a_word_is_passed_over_and_one_in_camel_case_is_not() -> None:
    assert without_secrets("monkey=1, clientSecret=abc") == f"monkey=1, clientSecret={REDACTED}"
