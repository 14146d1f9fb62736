"""Availability of spot markets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.traces import read_availability


def test_one_means_that_an_instance_can_be_had(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"metadata": {"gap_seconds": 195}, "data": [0, 1, 1.0], "prices": [1, 2, 3]}')
    found = read_availability(path)
    assert (found.gap, found.available.tolist(), found.available.dtype) == (195.0, [False, True, True], bool)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"data": [1]}, "metadata.gap_seconds: found nothing, expected a number of seconds above 0"),
        ({"metadata": {"gap_seconds": 0}, "data": [1]}, "metadata.gap_seconds: found 0, expected a number of seconds"),
        ({"metadata": {"gap_seconds": "1"}, "data": [1]}, "metadata.gap_seconds: found '1', expected a number"),
        ({"metadata": {"gap_seconds": True}, "data": [1]}, "metadata.gap_seconds: found True, expected a number"),
        ({"metadata": {"gap_seconds": 1}}, "data: found nothing, expected a list of 0 and 1"),
        ({"metadata": {"gap_seconds": 1}, "data": []}, "data: found nothing, expected a list of 0 and 1"),
        ({"metadata": {"gap_seconds": 1}, "data": [0, 16]}, "data[1]: found 16, expected 0 or 1"),
        ({"metadata": {"gap_seconds": 1}, "data": [True]}, "data[0]: found True, expected 0 or 1"),
        ({"metadata": {"gap_seconds": 1}, "data": [0.5]}, "data[0]: found 0.5, expected 0 or 1"),
        ([1], "metadata.gap_seconds: found nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, document: object, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_availability(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_what_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1")
    with pytest.raises(InputError, match=r"a\.json: malformed JSON"):
        read_availability(path)
    with pytest.raises(NotFoundError):
        read_availability(tmp_path / "b.json")


@pytest.mark.shared_data
def test_the_traces_of_spot_markets(shared: Path) -> None:
    for kind, gap, count in (("availability", 195, 20158), ("preemption", 32, 19961)):
        paths = sorted((shared / "data/spot" / kind).glob("*.json"))
        found = [read_availability(path) for path in paths]
        assert {(one.gap, len(one.available)) for one in found} == {(gap, count)}
        assert all(0.1 < one.available.mean() < 0.95 for one in found)
