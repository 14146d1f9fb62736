"""A simulation on a terminal: what it says, that it fits, that a pipe gets whole lines, of any name."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from made_queues import HOSTILE
from made_simulations import arrival_sequence, hostile, one_run, over_time, simulations, swept
from msgspec.structs import replace
from printed import COLOURS, on_terminal, piped
from rich.cells import cell_len
from rich.console import Console

from yuheng.model.simulation import MEASURES, RefusedJob, Run
from yuheng.reporting.tables import write_simulation


def plain(result, width, **options):
    return COLOURS.sub("", on_terminal(result, width, **options))


def table_of(text, title):
    """The lines of the part below a heading."""
    return text.split(f"\n{title}\n")[1].split("\n\n")[0].splitlines()


def test_the_study_is_told_in_a_table_of_policies_and_one_of_differences():
    text = plain(arrival_sequence(), 120)
    titles, *rows = table_of(text, "Policies")
    assert titles.split() == ["POLICY", "GPU", "ALLOC", "GPU", "UNALLOC", "GPU", "FRAGM"]
    assert [row.split()[0] for row in rows[:6]] == [
        "fgd", "bestfit", "gpupacking", "gpuclustering", "dotproduct", "random",
    ]  # fmt: skip
    assert rows[0].count("*") == 3
    assert not any("*" in row for row in rows[1:6])
    assert "The same for all: jobs submitted 10,725; jobs that fit nowhere, ever 12" in text
    _, bestfit, *_ = table_of(text, "Differences to fgd, paired by seed")
    assert re.search(r"bestfit +-2\.\d\d ± 0\.\d\d pp ▼ +\+2\.\d\d ± 0\.\d\d pp ▼", bestfit)
    assert "the interval excludes 0: ▼ worse; pp: percentage points" in text
    assert "6 policies, 10 seeds, 60 runs" in text
    assert "half the width of the 95% interval" in text


def by_start(numbers, fractions=(0.8, 0.5)):
    """Two policies at each job fraction, from so many starts."""
    names = [f"{policy} {fraction}" for fraction in fractions for policy in ("greedy", "yuheng")]
    runs = [
        Run(policy=name, seed=number, totals={"cost_usd": 10.0 + place + number}, series=())
        for place, name in enumerate(names)
        for number in range(numbers)
    ]
    return swept("late", runs, unit="start", fractions=fractions if len(fractions) > 1 else ())


def test_runs_that_differ_by_their_start_are_told_as_starts_and_fractions_apart_from_policies():
    lines = plain(by_start(3), 200).splitlines()
    assert lines[0] == "Simulation late: 2 policies at 2 job fractions, 3 starts, 12 runs."
    assert lines[1] == "Behind ± stands half the width of the 95% interval over starts."
    assert "Differences to greedy 0.8, paired by start" in lines
    assert "seed" not in "\n".join(lines)
    lines = plain(by_start(1, (0.8,)), 200).splitlines()
    assert lines[:2] == [
        "Simulation late: 2 policies, 1 start, 2 runs.",
        "One start shows no spread: run several for intervals.",
    ]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("made", [arrival_sequence, over_time, one_run])
def test_every_table_fits_its_terminal_and_no_number_is_folded(made, width):
    text = plain(made(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    numbers = re.findall(r"\d[\d.,]*(?:[dhms]|%)?(?: \d+[hms])? ± [\d.,]+[dhms]?(?: \d+[hms])?", text)
    assert len(numbers) == len(re.findall("±", text)) - ("Behind ±" in text)


@pytest.mark.parametrize("width", [80, 120])
def test_parts_of_a_wide_table_start_with_the_policy_and_hold_all_measures(width):
    text = plain(over_time(), width)
    tables = text.split("\nPolicies\n")[1].split("\n  The same")[0]
    parts = [part.splitlines() for part in tables.split("\n\n")]
    assert len(parts) > 1
    for titles, *rows in parts:
        assert titles.split()[0] == "POLICY"
        assert [row.split()[0] for row in rows[:4]] == ["fifo", "drf", "capacity", "proportion"]
    for title in ("MAKESPAN", "JCT P99", "SLOWDOWN MEAN", "JAIN", "UNFAIRNESS", "LOST GPU", "NODE HOURS", "COST"):
        assert sum(title in titles for titles, *_ in parts) == 1


def test_measures_that_are_the_same_are_columns_only_when_everything_is_wanted():
    assert "SLOWDOWN P50" not in piped(over_time())
    wide = piped(over_time(), wide=True)
    assert "SLOWDOWN P50" in wide
    assert "The same for all" not in wide


def test_a_pipe_gets_one_line_a_policy():
    lines = piped(over_time()).splitlines()
    assert sum(line.startswith("  capacity ") for line in lines) == 2
    assert all(line == line.rstrip() for line in lines)


def test_a_policy_alone_is_a_list():
    text = piped(one_run())
    assert "One seed shows no spread" in text
    assert re.search(r"time until the last job ended +19m\n", text)
    assert "Differences" not in text
    assert "*" not in text


def test_one_seed_shows_differences_without_marks():
    text = piped(over_time(seeds=1))
    assert "±" not in text
    assert "▲" not in text
    assert "▼" not in text
    assert re.search(r"drf .* \+\$\d", text)


def test_a_console_without_the_signs_gets_plain_ones():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_simulation(over_time(), Console(file=file, force_terminal=False))
    file.flush()
    text = file.buffer.getvalue().decode("ascii")
    assert " +- " in text
    assert "^ better, v worse" in text
    assert "\\u" not in text


def test_refused_jobs_are_told_once_with_reason_hint_and_how_many_more():
    text = piped(over_time())
    refused = table_of(text, "Refused in each run: 4 jobs that fit nowhere, ever")
    assert refused == [
        "  2 jobs  no node has 16 nvidia.com/gpu, the largest has 8",
        "    hint  ask for 8 nvidia.com/gpu",
        "    jobs  train-00017, train-00211",
        "  1 job  no node has 2Ti memory, the largest has 1Ti",
        "    jobs  etl-00004",
        "  and 1 more that no run lists",
    ]


def test_of_many_refused_jobs_the_first_are_shown_and_the_others_counted():
    reasons = tuple(RefusedJob(f"job-{place}", f"reason {place % 8}") for place in range(800))
    result = swept("s", [Run(policy="p", seed=1, totals={"refused": 900.0}, series=(), refused=reasons)])
    text = piped(result)
    assert text.count(" … and 95 more\n") == 5
    assert "… and 300 more (-o wide)" in text
    assert "and 100 more that no run lists" in text
    wide = piped(result, wide=True)
    assert "job-799" in wide
    assert "…" not in wide


def test_warnings_are_told():
    assert piped(over_time()).endswith("  - usage of memory is unknown\n")


def test_a_sweep_of_which_nothing_is_done_yet_is_told_too():
    text = piped(replace(one_run(), runs=(), summary=(), differences=()))
    assert text == "Simulation short: 1 policy, 0 seeds, 0 runs.\n\nPolicy kubernetes\n  MEASURE  VALUE\n"


def test_hostile_names_are_shown_as_they_are_and_steer_nothing():
    text = on_terminal(hostile(), 120)
    assert re.sub(COLOURS, "", text).replace("\n", "").isprintable()
    assert r"[red]</script><img src=x onerror=alert(1)>\x1b[31m\u202e\u2028" in piped(hostile())
    assert HOSTILE not in text


@given(simulations())
def test_any_simulation_is_told_inert(result):
    for text in (piped(result), piped(result, wide=True), plain(result, 80)):
        assert text.replace("\n", "").isprintable()
    assert all(cell_len(line) <= 80 for line in plain(result, 80).splitlines())


def test_the_columns_are_those_of_the_measures():
    assert all(name in MEASURES for name in over_time().runs[0].totals)
