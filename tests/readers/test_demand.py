"""Tables of machines in use over time: how long each row holds, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yuheng.errors import InputError
from yuheng.readers.demand import read_demand

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def written(folder, hours, counts=None):
    """A file with m5.large at so many hours after a Monday."""
    counts = counts or [1] * len(hours)
    rows = [
        f"{(MONDAY + timedelta(hours=hour)).isoformat()},m5.large,{count}"
        for hour, count in zip(hours, counts, strict=True)
    ]
    path = folder / "machines.csv"
    path.write_text("\n".join(["time,instance_type,count", *rows]) + "\n")
    return path


HOLDS = {
    "measured every hour": (range(5), [1, 1, 1, 1, 1], ""),
    "measured every five minutes": ([n / 12 for n in range(5)], [1 / 12] * 5, ""),
    "with a sample lost": ([0, 1, 2, 4, 5, 6, 7, 8], [1, 1, 2, 1, 1, 1, 1, 1], ""),
    "with a weekend lost": ([*range(5), *range(65, 70)], [1] * 10, "of 60 hours in gaps of the table nothing is known"),
    "with a weekend lost before the last": ([*range(9), 69], [1] * 10, "of 60 hours in gaps"),
    "with two gaps": ([*range(6), *range(30, 36), *range(50, 56)], [1] * 18, "of 38 hours in gaps"),
    "told when it changes": ([0, 5, 100, 101, 700], [5, 95, 1, 599, 599], ""),
    "a single time": ([0], [1], ""),
}


@pytest.mark.parametrize(("hours", "holds", "warning"), HOLDS.values(), ids=HOLDS)
def test_a_time_holds_until_the_next_but_not_over_a_gap(tmp_path, hours, holds, warning):
    found = read_demand(written(tmp_path, list(hours)))
    assert found.hours == pytest.approx(holds)
    assert found.hours.sum() == pytest.approx(sum(holds))
    assert any(warning in text for text in found.warnings) if warning else not found.warnings


def test_a_gap_is_no_time_in_use(tmp_path):
    """Ten machines on Friday evening are not ten machines all weekend."""
    found = read_demand(written(tmp_path, [*range(5), *range(65, 70)], [1] * 4 + [10] + [1] * 5))
    (line,) = found.lines
    assert float(line.amounts @ found.hours) == 19


def test_rows_that_nothing_can_be_reserved_for_are_left_out_and_told(tmp_path):
    path = tmp_path / "machines.csv"
    day = "2026-01-05T00:00:00Z"
    path.write_text(
        "time,instance_type,count,market\n"
        f"{day},m5.large,4,spot\n{day},m5.large,3,reserved\n{day},m5.large,2,on-demand\n{day},m5.large,1,\n"
    )
    found = read_demand(path)
    assert [line.amounts.tolist() for line in found.lines] == [[3.0]]
    assert [text.partition(": ")[2] for text in found.warnings] == [
        "1 rows of spot machines are left out, for spot cannot be reserved",
        "1 rows of machines that are reserved already are left out",
    ]


def test_a_cell_that_is_no_number_is_told_by_its_line(tmp_path):
    with pytest.raises(InputError, match=r"machines\.csv: line 3: count: found 'many', expected a number of 0 or more"):
        read_demand(written(tmp_path, [0, 1], [1, "many"]))
