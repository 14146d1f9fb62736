"""The lines of a watch come in pieces of any size."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.kubernetes.api.watches import LONGEST_LINE, Lines

TEXT = b'{"a":1}\n{"b":22}\n\n{"c":"' + b"x" * 500 + b'"}\n{"d":'


@given(st.lists(st.integers(0, len(TEXT))))
def test_pieces_make_the_same_lines_wherever_they_are_cut(cuts: list[int]) -> None:
    lines = Lines()
    places = [0, *sorted(cuts), len(TEXT)]
    found = [line for start, end in pairwise(places) if end > start for line in lines.take(TEXT[start:end])]
    assert found == [line for line in TEXT.split(b"\n")[:-1] if line]


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    lines = Lines()
    piece = b"x" * 2**20
    for _ in range(LONGEST_LINE // len(piece)):
        lines.take(piece)
    with pytest.raises(ValueError, match="does not end"):
        lines.take(piece)


def test_a_line_of_several_megabytes_is_one_line() -> None:
    lines = Lines()
    text = msgspec.json.encode({"type": "ADDED", "object": {"data": "y" * (8 * 2**20)}})
    pieces = [text[start : start + 65536] for start in range(0, len(text), 65536)]
    assert [line for piece in pieces for line in lines.take(piece)] == []
    assert list(lines.take(b"\n")) == [text]
