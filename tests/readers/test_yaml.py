"""YAML means what it means to kubectl, and nothing in it makes the reader hang or swell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import InputError
from yuheng.readers.sources import yaml_documents as module
from yuheng.readers.sources.yaml_documents import yaml_documents


def loaded(text: str | bytes) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [json.loads(document) for document in yaml_documents(data, "f.yaml")]


def value(text: str) -> Any:
    return loaded(f"a: {text}")[0].get("a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("'5'", "5"),
        ('"yes"', "yes"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!custom 5", "5"),
        ("|\n  5\n", "5\n"),
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("yes", True),
        ("On", True),
        ("y", True),
        ("TRUE", True),
        ("no", False),
        ("off", False),
        ("N", False),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0b101", 5),
        ("010", 8),
        ("0o10", 8),
        ("08", 8.0),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -(2.0**63)),
        ("99999999999999999999999", 1e23),
        ("-x", "-x"),
        ("1.2.3", "1.2.3"),
        ("1.5Gi", "1.5Gi"),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
    ],
    ids=lambda text: str(text)[:20],
)
def test_a_scalar_means(text: str, expected: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: {b: [1, {c: d}]}", {"a": {"b": [1, {"c": "d"}]}}, id="nested"),
        pytest.param("1: a\ntrue: b\n1.5: c", {"1": "a", "true": "b", "1.5": "c"}, id="keys are text"),
        pytest.param("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}, id="alias"),
        pytest.param("a: &x v\nc: *x", {"a": "v", "c": "v"}, id="alias of text"),
        pytest.param(
            "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}, id="merge"
        ),
        pytest.param(
            "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}",
            {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}},
            id="the first of several to merge",
        ),
        pytest.param("a: {'<<': 1}", {"a": {"<<": 1}}, id="quoted, no merge"),
        pytest.param("a: &x {b: 1}\na2: &x {b: 2}\nc: *x", {"a": {"b": 1}, "a2": {"b": 2}, "c": {"b": 2}}, id="again"),
    ],
)
def test_a_document_is(text: str, expected: Any) -> None:
    assert loaded(text) == [expected]


def test_documents_do_not_share_anchors() -> None:
    with pytest.raises(InputError, match=r"alias \*x at line 4"):
        loaded("a: &x 1\n---\nb: 2\nc: *x\n")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: &x [*x]", "found alias *x at line 1, column 8, which contains itself", id="circle"),
        pytest.param("a: &x {b: {c: *x}}", "found alias *x at line 1, column 15, which contains itself", id="long way"),
        pytest.param(bomb(30), "found aliases that unfold without end at line 7", id="billion laughs"),
        pytest.param("a: *x", "found alias *x at line 1, column 4, expected an anchor of that name", id="no anchor"),
        pytest.param("a: 1\nb: 2\na: 3", "found key 'a' a second time at line 3, column 1", id="a key twice"),
        pytest.param("a: {true: 1, yes: 2}", "found key 'true' a second time", id="a key twice in disguise"),
        pytest.param("? [a]\n: b", "found a map or a list as a key at line 1", id="a list as a key"),
        pytest.param("a: {<<: 5}", "found << at line 1, column 9, expected a map", id="nothing to merge"),
        pytest.param("[" * 100_000, "found nesting at line 1, column 201, expected at most 200 levels", id="deep"),
        pytest.param("- " * 100_000, "found nesting at line 1", id="deep in blocks"),
        pytest.param("{a: " * 100_000, "found nesting at line 1", id="deep in braces"),
        pytest.param("a: [", "malformed YAML at line ", id="cut off"),
        pytest.param("a: b: c", "malformed YAML at line 1, column 5: mapping values are not allowed", id="colons"),
        pytest.param("a:\n\tb: c", "malformed YAML at line 2, column 1", id="a tab"),
        pytest.param(b"a: \xff", "malformed YAML: ", id="not UTF-8"),
        pytest.param(b"a: \x00", "malformed YAML: ", id="a control character"),
        pytest.param("just text", "found text, expected Kubernetes objects in YAML or JSON, or a CSV trace", id="text"),
        pytest.param("- a\n- b", "found a list with other things than maps at line 1, column 3", id="a list of text"),
        pytest.param(
            "\n".join(f"k{number}: 1" for number in range(2000)), "found a map of more than 1000 fields", id="wide"
        ),
    ],
)
def test_what_kubernetes_would_not_take_is_an_error(text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(text)
    assert str(caught.value).startswith(f"f.yaml: {message}")


def test_more_yaml_than_memory_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "YAML_LIMIT", 1024**2)
    with pytest.raises(InputError, match=r"found 2 MiB of YAML, expected at most 1 MiB: write a large state as JSON"):
        loaded(b"#" * 2 * 1024**2)


# JSON writes what is beyond the basic plane as two escapes, which YAML does not know.
text = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=100)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(text, plain_data, max_size=4))
def test_json_is_yaml(data: dict[str, Any]) -> None:
    assert loaded(json.dumps(data)) == [data]
