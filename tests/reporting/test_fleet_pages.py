"""The pages of fleets: whole but for one table without scripts, inert, and as exact as the numbers they draw."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from made_fleet_plans import (
    NO_WORKFLOW,
    PARETO,
    WORKFLOW,
    drills,
    example_drill,
    example_fleet_plan,
    example_state,
    fleet_plans,
    fleet_states,
    large_fleet_plan,
)
from msgspec.structs import replace
from page_reading import LOADING, Page

from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState, WorkloadPlan
from yuheng.model.plan import Allocation
from yuheng.reporting.drill_page import drill_page
from yuheng.reporting.fleet_facts import Flow
from yuheng.reporting.fleet_page import fleet_page
from yuheng.reporting.fleet_plan_page import fleet_plan_page
from yuheng.reporting.ribbons import FLOWS_SHOWN, ribbons
from yuheng.reporting.scatter import HEIGHT, panels

PAGES = {FleetPlan: fleet_plan_page, FleetState: fleet_page, Drill: drill_page}
EXAMPLES = [example_fleet_plan(), example_state(), example_drill()]


def page_of(result):
    return Page(PAGES[type(result)](result))


def bars_of(page, kind):
    """Where bars of a kind start and how wide they are."""
    return [
        (float(attrs.get("x", 0)), float(attrs["width"]))
        for tag, attrs in page.elements
        if tag == "rect" and attrs.get("class") == kind
    ]


TOLD = {
    "plan": (
        example_fleet_plan(),
        (
            "For cost with policy kubernetes , as at 2026-01-31T09:00:00Z, planned in 12 ms",
            "Placed 2 of 3 workloads; 2 pods to start",
            "Without a place 1 3 pods stay pending",
            "$137.65 in all, services over 730 h",
            "at most 1.2% above the best possible without cluster=edge-1",
            "no carbon intensity is known of 1 cluster (edge-1)",
            "aws/west 1 cluster west-1 1 node +1 , 1 pod +1",
            "cpu 50.0% to 75.0% memory 37.5% to 50.0% 4 replicas",
            "edge-1 lost 1 node, 0 pods",
            "To be opened: 1 node, $1.10/h whole, however full they are",
            "balanced dominated: another is no worse in anything, and better in something $175.00 14 h 3.3 kg 1 1",
            "cost this plan $137.65 12.5 h 4.6 kg 1 2",
            "Data between regions 200 GB for $4.00",
            "shop/cache 2 replicas find no room: east-1 has room for 0 Deployment, 2 replicas, of which 2 would lose",
            "0/1 nodes are available: 1 Insufficient cpu. Hint ask for 7 of cpu instead of 12",
            "it fits on west-1-a west-1: ops/scan-0",
        ),
    ),
    "fleet": (
        example_state(),
        (
            "3 clusters in 2 regions, prices and carbon as at 2026-01-31T09:00:00Z",
            "Workloads 3 to decide on: 3 of 8 replicas running",
            "Not used: Ingress 2.",
            "west-1 1 node, 1 pod, 4 nodes in pools",
            "cpu free 7 7 on one node memory free 30Gi 30Gi on one node gpu free 2 2 on one node",
            "on-demand $0.0391 spot $0.012 no egress",
            "no region no prices no carbon",
            "aws/east east-1 400 350 to 420 no limit 40 ms",
            "aws/west west-1 - - 8 -",
            "aws/east $0.02 aws/west $0.02",
        ),
    ),
    "drill": (
        example_drill(),
        (
            "Got over 1 of 2 losses: everything finds another place",
            "Dearest that is got over +$0.325 /h cluster=east-1",
            "Worst region=aws/west 4 without a place",
            "Clusters 1 cluster, one lost at a time",
            "east-1 2 6 5 0 0 +$0.325 $10.00 1",
            "aws/west 1 4 1 3 1 -$1.10 $0 0",
            "What finds no place: ml/train and 1 more",
            "ml/train , 1 pod: 1 replica finds no room",
            "shop/web , 2 pods",
        ),
    ),
}


@pytest.mark.parametrize(("result", "sentences"), TOLD.values(), ids=TOLD)
def test_the_page_tells_it_without_scripts(result, sentences):
    text = page_of(result).text
    for sentence in sentences:
        assert sentence in text


def test_pages_tell_what_there_was_nothing_to_decide_or_to_lose_of():
    plan, drill = example_fleet_plan(), example_drill()
    idle = WorkloadPlan(workload="shop/zero", kind="Deployment", replicas={}, wanted=0)
    assert "of 3 workloads, 1 without replicas; " in page_of(replace(plan, workloads=(*plan.workloads, idle))).text
    empty = replace(drill.rows[0], pods=0, moved=0)
    text = page_of(replace(drill, rows=(*drill.rows, empty))).text
    assert "Got over 1 of 2 losses: everything finds another place; 1 more takes nothing that runs" in text
    assert "Not got over 1 something finds no place" in text


def test_bars_are_as_long_as_the_shares():
    page = page_of(example_fleet_plan())
    assert bars_of(page, "kept") == [(0, 50.0), (0, 37.5), (0, 12.5), (0, 0.0), (0, 0.0)]
    assert bars_of(page, "gained") == [(50.0, 25.0), (37.5, 12.5), (12.5, 18.75), (0.0, 100.0)]
    [east, *_] = example_fleet_plan().clusters
    emptied = replace(east, allocation={"cpu": Allocation(0.5, 0.2), "memory": Allocation(1.5, 1.2)})
    page = page_of(replace(example_fleet_plan(), clusters=(emptied,)))
    assert bars_of(page, "kept") == [(0, 20.0), (0, 100.0)]
    assert bars_of(page, "lost") == [(20.0, 30.0)]
    drilled = page_of(example_drill())
    assert bars_of(drilled, "kept") == [(0, 100.0), (0, 20.0)]
    assert bars_of(drilled, "lost") == [(20.0, 60.0)]
    assert bars_of(drilled, "stranded") == [(80.0, 20.0)]


def test_the_data_of_the_table_is_that_of_the_plan():
    data = page_of(example_fleet_plan()).data
    words, workloads = data["words"], data["workloads"]
    assert workloads["name"] == ["ml/train", "shop/cache", "shop/web"]
    assert [[(words[cluster], pods) for cluster, pods in pairs] for pairs in workloads["replicas"]] == [
        [("west-1", 1)],
        [],
        [("east-1", 4), ("west-1", 1)],
    ]
    assert [words[place] for place in workloads["reason"]] == ["", "2 replicas find no room: east-1 has room for 0", ""]
    assert workloads["total"] == ["$17.20", "-", "-"]
    assert workloads["amounts"][0] == [1.1, 17.2, 92.4]
    refused = data["refusals"][workloads["refused"][1]]
    assert [(words[why], [words[place] for place in clusters]) for why, clusters in refused] == [
        ("room for 0 of 2", ["east-1"]),
        ("it is lost", ["edge-1"]),
        ("its region is none of east", ["west-1"]),
    ]


def test_the_tasks_of_a_workflow_stand_on_one_line_of_time():
    page = page_of(replace(example_fleet_plan(), workflows=(WORKFLOW, NO_WORKFLOW)))
    assert bars_of(page, "run") == [(0.0, 99.38), (99.38, 0.62)]
    assert "ml/etl $3.75, 2 h, 1.5 kg CO2 for cost; heuristic: at most 3.1% above the best" in page.text
    assert "sum west-1 on-demand 2 h 45 s $0.50 100 g" in page.text
    assert "ml/none task load has no option" in page.text


def test_lists_of_refused_clusters_that_are_the_same_are_carried_once():
    [_, cache, _] = example_fleet_plan().workloads
    several = tuple(replace(cache, workload=f"shop/cache-{i}") for i in range(100))
    data = page_of(replace(example_fleet_plan(), workloads=several)).data
    assert len(data["refusals"]) == 1


def test_a_plan_without_objectives_data_or_refusals_has_no_sections_for_them():
    [_, _, web] = example_fleet_plan().workloads
    calm = replace(example_fleet_plan(), pareto=(), workloads=(web,), unschedulable=(), new_nodes=())
    page = page_of(calm)
    assert [attrs["id"] for tag, attrs in page.elements if tag == "section"] == ["summary", "clusters", "workloads"]


def test_a_hundred_clusters_and_five_thousand_workloads_are_a_page_of_a_few_megabytes():
    page = fleet_plan_page(large_fleet_plan(100, 5000))
    assert len(page) < 4_000_000
    assert 'class="regions dense"' in page


def test_points_stand_where_their_amounts_are():
    [hours, _, _] = panels(PARETO)
    assert (hours.across, hours.up) == ("cost", "hours")
    by_name = {point.names[0]: point for point in hours.points}
    assert [by_name[name].chosen for name in ("cost", "time")] == [True, False]
    assert by_name["balanced"].dominated
    assert by_name["cost"].x < by_name["time"].x < by_name["carbon"].x < by_name["balanced"].x
    assert by_name["time"].y > by_name["cost"].y > by_name["carbon"].y  # less is lower


def test_plans_that_are_the_same_share_a_point():
    cost, time, *_ = PARETO
    twin = replace(cost, objective="balanced", chosen=False)
    [panel, *_] = panels((cost, time, twin))
    assert [point.names for point in panel.points if point.chosen] == [("cost", "balanced")]


def test_one_plan_alone_is_no_plot():
    assert panels(PARETO[:1]) == []
    assert "cost this plan" in page_of(example_fleet_plan(PARETO[:1])).text


@pytest.mark.parametrize("hours", [1.0, 12.0, 25.0])
def test_labels_do_not_stand_on_one_another_nor_leave_the_plot(hours):
    near = tuple(replace(PARETO[0], objective=f"o{i}", cost=100.0 + i, hours=hours + i / 10) for i in range(6))
    [panel, *_] = panels((*near, PARETO[1], replace(PARETO[1], hours=14.0)))
    places = sorted(point.label_y for point in panel.points if point.names[0].startswith("o"))
    assert len(places) == 6
    assert all(after - before > 14.9 for before, after in pairwise(places))
    assert places[0] > 8
    assert places[-1] <= HEIGHT


def test_ribbons_are_as_thick_as_there_is_data():
    flows = [Flow("a", "b", 300.0, 3.0, 2), Flow("a", "c", 100.0, 1.0, 1), Flow("d", "c", 100.0, 2.0, 1)]
    drawn = ribbons(flows)
    assert [(end.region, end.text) for end in drawn.sources] == [("a", "400 GB, $4.00"), ("d", "100 GB, $2.00")]
    assert [end.region for end in drawn.destinations] == ["b", "c"]
    [first, second] = drawn.sources
    assert first.height == pytest.approx(4 * second.height)
    assert drawn.ribbons[0].text == "a to b: 300 GB, $3.00"
    assert drawn.hidden == 0


def test_the_pairs_with_the_least_data_are_left_out_of_the_drawing():
    flows = [Flow(f"r{i}", "home", 100.0 - i, 1.0, 1) for i in range(40)]
    assert ribbons(flows).hidden == 40 - FLOWS_SHOWN
    assert ribbons([]) is None
    assert ribbons([Flow("a", "b", 0.0, 0.0, 1)]) is None


def check_inert(page):
    assert {tag for tag, _, _ in page.raw} == {"style", "script"}
    assert not any(tag == "img" for tag, _ in page.elements)
    assert page.text.isprintable()
    for tag, attrs, text in page.raw:
        if attrs.get("type") == "application/json":
            continue
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]


@given(fleet_plans | fleet_states | drills)
def test_no_name_adds_an_element_or_a_script(result):
    page = page_of(result)
    check_inert(page)
    assert len(page.raw) == (4 if isinstance(result, FleetPlan) else 3)


@pytest.mark.parametrize("result", EXAMPLES, ids=lambda result: type(result).__name__)
def test_the_page_loads_nothing_and_styles_nothing_inline(result):
    page = page_of(result)
    assert page.policy["default-src"] == page.policy["base-uri"] == page.policy["form-action"] == ["'none'"]
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on")
            assert name != "style"


@pytest.mark.parametrize("result", EXAMPLES, ids=lambda result: type(result).__name__)
def test_the_same_result_gives_the_same_page(result):
    assert PAGES[type(result)](result) == PAGES[type(result)](result)


def test_an_empty_fleet_and_an_empty_drill_have_pages_too():
    state = FleetState(
        time=0.0, clusters=(), regions=(), workloads=0, replicas=0, running=0, policies=0, workflows=0, prices=0
    )
    assert "There are no clusters." in page_of(state).text
    assert "There is nothing to lose." in page_of(Drill("cost", 0.0, ())).text
