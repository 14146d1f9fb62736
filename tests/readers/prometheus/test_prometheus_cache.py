"""The folder of a span: what counts, what is waited for, what is removed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from yuheng.errors import ConfigError
from yuheng.readers.usage.prometheus.cache import SpanFolder

QUERY = "a query and its span"


def folder(path):
    return SpanFolder(path / "0-60", settled=True)


def keep(own, query=QUERY):
    return own.put_piece(query, 7, lambda path: path.write_bytes(b"rows"))


def test_an_answer_is_kept_until_its_file_is_gone(tmp_path):
    own = folder(tmp_path)
    piece = keep(own)
    assert folder(tmp_path).piece(QUERY) == piece
    (own.path / piece.file).unlink()
    assert folder(tmp_path).piece(QUERY) is None


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_a_folder_is_waited_for_and_then_holds_what_was_asked_meanwhile(tmp_path):
    own, other = folder(tmp_path), folder(tmp_path)

    def found_by_the_other():
        with other.held():
            return other.piece(QUERY)

    with ThreadPoolExecutor(1) as pool:
        with own.held():
            waiting = pool.submit(found_by_the_other)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            piece = keep(own)
        assert waiting.result(10) == piece


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    own = folder(tmp_path)
    kept = keep(own).file
    for name in (".usage.parquet.1f", "4a.parquet"):
        (own.path / name).write_bytes(b"half")
    with folder(tmp_path).held():
        assert {entry.name for entry in own.path.iterdir()} == {".lock", "manifest.json", kept}


def test_a_folder_that_cannot_be_held_is_told_in_one_line(tmp_path):
    (tmp_path / "0-60").write_text("a file")
    with (
        pytest.raises(ConfigError, match=r"--cache .*0-60: found .*, expected a place to write to"),
        folder(tmp_path).held(),
    ):
        pass
