"""The page of a simulation: whole, inert, self-contained; its numbers, positions and colours are those of the runs."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from made_queues import HOSTILE
from made_simulations import arrival_sequence, hostile, one_run, over_time, simulations, swept
from msgspec.structs import replace
from page_reading import LOADING, Page

from yuheng.model.simulation import QueueSeries, RefusedJob, Run
from yuheng.reporting import simulation_page as simulation_page_module
from yuheng.reporting.comparison import Comparison
from yuheng.reporting.forest import forests
from yuheng.reporting.rush import rush_hours
from yuheng.reporting.simulation_page import simulation_page
from yuheng.reporting.simulation_payload import axis_of

ASSETS = Path(simulation_page_module.__file__).parent / "assets" / "page"


def page_of(made):
    return Page(simulation_page(made))


def sections_of(page):
    return [attrs["id"] for tag, attrs in page.elements if tag == "section"]


def run_of(policy="p", seed=1, points=(), **more):
    return Run(policy=policy, seed=seed, totals={"jobs": 1.0}, series=tuple(points), **more)


@given(simulations())
def test_no_name_adds_an_element_or_a_script(made):
    page = page_of(made)
    assert not any(tag in ("img", "iframe", "object") for tag, _ in page.elements)
    kinds = [(tag, attrs.get("type")) for tag, attrs, _ in page.raw]
    assert set(kinds) <= {("style", None), ("script", None), ("script", "application/json")}
    assert len(kinds) <= 5
    for tag, attrs, text in page.raw:
        if attrs.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]
    assert page.text.isprintable()


def test_hostile_names_are_text_in_every_section_and_in_the_data():
    page = page_of(hostile())
    assert [tag for tag, _, _ in page.raw] == [tag for tag, _, _ in page_of(over_time(seeds=2, points=5)).raw]
    assert page.data["policies"][0] == HOSTILE
    assert page.text.count(r"onerror=alert(1)>\x1b[31m\u202e\u2028") > 15
    assert "<script>alert(2)</script>" in page.text


@pytest.mark.parametrize("made", [arrival_sequence, over_time, one_run, hostile])
def test_the_page_loads_nothing_and_styles_nothing_inline(made):
    page = page_of(made())
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on")
            assert name != "style"
    [style] = [text for tag, _, text in page.raw if tag == "style"]
    assert not re.search(r"url\(|@import|@font-face", style)
    assert page.policy["default-src"] == ["'none'"]


def test_sections_are_there_only_where_there_is_something_to_show():
    assert sections_of(page_of(over_time(seeds=2, points=5))) == [
        "summary", "differences", "series", "shares", "rush", "refused", "reading",
    ]  # fmt: skip
    assert sections_of(page_of(one_run())) == ["summary", "series", "reading"]
    nothing = page_of(replace(one_run(), runs=(), summary=()))
    assert sections_of(nothing) == ["summary", "reading"]
    assert "No run has been finished, so there is nothing to compare." in nothing.text


def test_every_link_to_a_section_has_its_section():
    for made in (over_time(seeds=2, points=5), one_run(), arrival_sequence(2)):
        page = page_of(made)
        links = [attrs["href"][1:] for tag, attrs in page.elements if tag == "a"]
        assert links == sections_of(page)


def test_the_page_tells_the_study_without_scripts():
    text = page_of(arrival_sequence()).text
    for words in (
        "openb default, x 1.3 , 6 policies on 10 seeds",
        "60 runs: 10 seeds (42, 43, 44, 45, 46, 47, 48, 49, 50, 51); behind ± half the width of the 95% interval",
        "GPU unallocated lower is better 4.",
        "best 6.",
        "Differences to fgd",
        "pp worse",
        "along the bottom: GPUs asked for so far, in percent of what the cluster has",
        "12 jobs fit nowhere, ever, in each run",
        "Hint ask for 8 GPUs",
        "9 more jobs that no run lists.",
        "12 jobs ask for a GPU type that no node has.",
        "GPUs that no pod holds, in percent of all GPUs.",
        "The scenario it came from name: openb",
    ):
        assert words in text


def test_the_data_has_every_point_of_every_run_where_all_have_the_same_places():
    made = arrival_sequence(3)
    page = page_of(made)
    data = page.data
    names = [measure["name"] for measure in data["measures"]]
    assert names == ["allocated_gpu_percent", "unallocated_gpu_percent", "fragmented_gpu_percent"]
    assert data["axis"]["x"] == list(range(131))
    for run, found in zip(made.runs, data["runs"], strict=True):
        assert (data["policies"][found["policy"]], found["seed"]) == (run.policy, run.seed)
        for name, column in zip(names, found["columns"], strict=True):
            assert column == pytest.approx([point[name] for point in run.series], rel=1e-5)
    assert "Every point that was written down is drawn." in page.text


def test_runs_with_points_at_other_places_are_put_on_a_common_axis_and_the_page_says_so():
    one = run_of(seed=1, points=[{"t": 0.0, "nodes": 0.0}, {"t": 10.0, "nodes": 10.0}, {"t": 20.0, "nodes": 20.0}])
    two = run_of(seed=2, points=[{"t": 0.0, "nodes": 5.0}, {"t": 15.0, "nodes": 5.0}])
    page = page_of(swept("s", [one, two]))
    assert page.data["axis"]["x"] == [0, 10, 15, 20]
    assert [run["columns"] for run in page.data["runs"]] == [[[0, 10, 15, 20]], [[5, 5, 5, None]]]
    assert "put on a common axis of 4 points by straight lines between neighbours" in page.text


def test_an_axis_has_no_more_points_than_twice_the_longest_run():
    runs = [
        run_of(seed=seed, points=[{"t": seed / 7 + 10.0 * place, "nodes": 1.0} for place in range(50)])
        for seed in range(6)
    ]
    axis = axis_of(runs)
    assert len(axis.places) == 50
    assert axis.moved
    assert (axis.places[0], axis.places[-1]) == (0.0, 5 / 7 + 490)


def test_a_point_without_a_measure_is_a_gap():
    page = page_of(swept("s", [run_of(points=[{"t": 0.0, "nodes": 1.0}, {"t": 1.0}, {"t": 2.0, "nodes": 3.0}])]))
    assert page.data["runs"][0]["columns"] == [[1, None, 3]]


def test_an_arrival_sequence_of_cpu_has_percent_of_cpu_along_the_bottom():
    points = [{"t": p, "arrived_cpu_percent": p, "unallocated_cpu_percent": 100 - p} for p in range(3)]
    page = page_of(swept("s", [run_of(points=points)]))
    assert page.data["axis"] == {"label": "cpu asked for so far", "unit": "%", "x": [0, 1, 2]}
    assert page.data["measures"] == [{"name": "unallocated_cpu_percent", "label": "cpu unallocated", "unit": "%"}]


def test_time_is_along_the_bottom_where_some_point_does_not_say_what_arrived():
    points = [{"t": 0.0, "arrived_gpu_percent": 0.0, "nodes": 1.0}, {"t": 1.0, "nodes": 1.0}]
    assert axis_of([run_of(points=points)]).measure == "t"


def test_queues_beyond_the_largest_are_added_up_and_the_page_says_so():
    queues = tuple(QueueSeries(f"queue-{q:02}", (float(q), 2.0), (1.0, 0.5)) for q in range(14))
    page = page_of(swept("s", [run_of(points=[{"t": 0.0}, {"t": 1.0}], queues=queues)]))
    shown = page.data["queues"]
    assert shown["names"] == [*(f"queue-{q:02}" for q in range(13, 3, -1)), "all other queues"]
    [run] = shown["runs"]
    assert run["allocated"][0] == [13, 2]
    assert run["allocated"][-1] == [0 + 1 + 2 + 3, 8]
    assert run["deserved"][-1] == [4, 2]
    assert "The 10 largest queues are shown, 4 others are added up." in page.text


def test_a_queue_that_a_run_lacks_has_no_column_there():
    first = run_of(
        "a", points=[{"t": 0.0}], queues=(QueueSeries("x", (1.0,), (2.0,)), QueueSeries("y", (3.0,), (4.0,)))
    )
    other = run_of("b", points=[{"t": 0.0}], queues=(QueueSeries("y", (5.0,), (6.0,)),))
    shown = page_of(swept("s", [first, other, run_of("c", points=[{"t": 0.0}])])).data["queues"]
    assert shown["names"] == ["y", "x"]
    assert [run and run["allocated"] for run in shown["runs"]] == [[[3], [1]], [[5], []], None]


def test_a_forest_stands_where_its_numbers_are():
    made = over_time()
    compared = Comparison(made)
    for forest in forests(compared):
        assert [mark.policy for mark in forest.marks] == ["drf", "capacity", "proportion"]
        for mark in forest.marks:
            row = compared.difference(mark.policy, forest.measure)
            assert 0 <= mark.start <= mark.place <= mark.end <= 100
            assert mark.place == pytest.approx((mark.start + mark.end) / 2, abs=0.02)
            assert (mark.place > forest.zero) == (row.mean > 0) or mark.place == forest.zero
            assert (mark.verdict == "") == (mark.start <= forest.zero <= mark.end)
        assert 0 < forest.zero < 100
        assert any(tick.text == "0" and tick.place == forest.zero for tick in forest.ticks)


def test_a_measure_without_any_difference_has_no_forest():
    runs = [Run(policy=policy, seed=1, totals={"jobs": 5.0}, series=()) for policy in ("a", "b")]
    assert forests(Comparison(swept("s", runs))) == []


def test_a_policy_that_is_exactly_as_the_baseline_stands_on_the_zero_line():
    totals = {"a": 5.0, "b": 5.0, "c": 9.0}
    runs = [Run(policy=policy, seed=1, totals={"jobs": value}, series=()) for policy, value in totals.items()]
    [forest] = forests(Comparison(swept("s", runs)))
    same, more = forest.marks
    assert same.place == forest.zero
    assert (same.text, same.interval, same.verdict) == ("0", "", "same")
    assert (more.text, more.interval, more.verdict) == ("+4", "", "")


def test_the_week_is_the_mean_over_runs_and_an_hour_that_none_saw_is_empty():
    def week(value):
        return ((value,) * 23 + (None,),) * 6 + ((None,) * 24,)

    runs = [run_of("a", 1, rush=week(10.0)), run_of("a", 2, rush=week(20.0)), run_of("b", 1, rush=week(90.0))]
    found = rush_hours(runs)
    assert [week.policy for week in found.weeks] == [None, "a", "b"]
    assert [week.days[0][0].value for week in found.weeks] == [40, 15, 90]
    assert all(week.days[0][23] is None and week.days[6] == (None,) * 24 for week in found.weeks)
    page = page_of(swept("s", runs))
    cells = [attrs for tag, attrs in page.elements if tag == "td" and attrs.get("class", "").startswith("band-")]
    assert len(cells) == 6 * 23
    assert page.data["rush"][1][0][0] == [15, found.weeks[1].days[0][0].band]
    assert page.data["rush"][1][0][23] is None


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ((0.0, 100.0), (0, 20, 40, 60, 80, 100)),
        ((31.0, 107.0), (30, 40, 50, 60, 70, 80, 90, 100, 110)),
        ((50.0, 50.0), (44, 46, 48, 50, 52, 54, 56)),
        ((0.0, 0.0), (0, 2, 4, 6, 8, 10)),
    ],
)
def test_the_colours_of_the_week_are_cut_at_round_numbers_that_hold_all_values(values, bounds):
    found = rush_hours([run_of(rush=((values[0],) * 24,) * 6 + ((values[1],) * 24,))])
    assert found.bounds == bounds
    assert found.bands[0] == 0
    assert found.bands[-1] == 9
    assert found.bands == sorted(set(found.bands))


@given(simulations())
def test_every_hour_has_the_colour_of_its_part(made):
    found = rush_hours(made.runs)
    for week in found.weeks if found else ():
        for cell in (cell for day in week.days for cell in day if cell is not None):
            part = found.bands.index(cell.band)
            assert found.bounds[part] - 0.06 <= cell.value <= found.bounds[part + 1] + 0.06


def test_refused_jobs_are_told_once_whatever_the_number_of_runs():
    refused = tuple(RefusedJob(f"job-{place:02}", "too large") for place in range(30))
    runs = [run_of(policy, seed, refused=refused) for policy in "ab" for seed in (1, 2)]
    text = page_of(swept("s", runs)).text
    assert text.count("job-17") == 1
    assert "30 jobs fit nowhere, ever, in each run" in text
    assert "and 18 more jobs" in text


def test_the_best_of_each_measure_is_marked_in_words():
    page = page_of(over_time())
    best = [attrs["data-title"] for tag, attrs in page.elements if tag == "td" and "best" in attrs.get("class", "")]
    assert set(best) == {"fifo", "proportion"}
    assert page.text.count(" best ") >= len(best)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_lines_stand_out_from_the_panel_in_both_themes():
    panels = re.findall(r"--panel: (#[0-9a-f]{6})", (ASSETS / "tokens.css").read_text(encoding="utf-8"))
    themes = (ASSETS / "palette.css").read_text(encoding="utf-8").split(":root")[1:]
    assert len(panels) == len(themes) == 2
    for panel, theme in zip(panels, themes, strict=True):
        lines = re.findall(r"--series-\d: (#[0-9a-f]{6})", theme)
        assert len(set(lines)) == 10
        for line in lines:
            light, dark = sorted((luminance(panel), luminance(line)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, f"{line} on {panel}"


def test_six_policies_on_ten_seeds_stay_a_page_of_moderate_size():
    made = over_time(policies=tuple("abcdef"), seeds=10, points=200)
    assert len(simulation_page(made)) < 3_000_000
    assert fmean(len(run.series) for run in made.runs) == 200


def test_the_same_simulation_gives_the_same_page():
    assert simulation_page(over_time()) == simulation_page(over_time())
