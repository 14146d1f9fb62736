"""Tables of fleets: what they say, what they leave out, what they never let through."""

from __future__ import annotations

import pytest
from hypothesis import given
from made_fleet_plans import (
    NO_WORKFLOW,
    WORKFLOW,
    drills,
    example_drill,
    example_fleet_plan,
    example_state,
    fleet_plans,
    fleet_states,
    large_fleet_plan,
)
from made_queues import HOSTILE
from msgspec.structs import replace
from printed import COLOURS, on_terminal, piped

from yuheng.model.fleet_plan import ClusterReport, Drill, DrillRow, FleetState, WorkloadPlan

PLAN = """\
Fleet plan for cost with policy kubernetes: 2 of 3 workloads placed, 1 unschedulable; 2 pods placed, 3 pending.
2 clusters without cluster=edge-1, as at 2026-01-31T09:00:00Z, planned in 12 ms.
$1.26/h; in all $137.65 and 4.6 kg of CO2 (services over 730 h); 12.5 h until done, summed over workloads.
At most 1.2% above the best possible.

Objectives side by side
  OBJECTIVE     COST  HOURS     CO2  UNSCHEDULABLE  MARKS      REPLICAS
  cost       $137.65   12.5  4.6 kg              1  this plan  east-1 4, west-1 2
  time       $160.45   12.0  4.6 kg              1             west-1 4, east-1 2
  carbon     $171.00   14.0  3.1 kg              1             west-1 6
  balanced   $175.00   14.0  3.3 kg              1  dominated  west-1 6
  dominated: another is no worse in anything, and better in something

Placed: 2 workloads
  WORKLOAD  REPLICAS            MARKET          START (UTC)       FINISH (UTC)         $/H   TOTAL     CO2
  ml/train  west-1 1            spot            2026-01-31 09:00  2026-01-31 21:30   $1.10  $17.20    92 g
  shop/web  east-1 4, west-1 1  on-demand+spot  2026-01-31 09:00  -                 $0.165       -  4.5 kg

What else it could have been
  ml/train  would cost +$1.90/h, +$22.80 in all, in west (west-1); on the spot market with \
ours in west-a it would cost \
$15.00 on average (nine in ten: $14.00 to $19.50; on-demand alone: $36.00)
  shop/web  1 running replica loses its place

Unschedulable: 1 workload
  shop/cache  2 replicas find no room: east-1 has room for 0 (2 running replicas lose their place)
    east-1  room for 0 of 2
    edge-1  it is lost
    west-1  its region is none of east

Pending: 1 pod for 1 reason
  1 pod  0/1 nodes are available: 1 Insufficient cpu.
         hint     ask for 7 of cpu instead of 12: it fits on west-1-a
         closest  west-1-a lacks cpu 5
         pods     west-1: ops/scan-0

To be opened: 1 node, $1.10/h whole, however full they are
  CLUSTER  POOL      NODES    $/H
  west-1   gpu-spot      1  $1.10

Data that moves between regions: 200 GB for $4.00
  aws/east to aws/west  200 GB for $4.00, 1 workload

Clusters by region: requested of what is allocatable on nodes that exist
  CLUSTER  REGION    NODES  NEW  PODS  PLACED  REPLICAS             CPU          MEMORY  NVIDIA.COM/GPU
  east-1   aws/east      2    0     3       1         4  50.0% to 75.0%  37.5% to 50.0%               -
  west-1   aws/west      1    1     1       1         2  12.5% to 31.2%               -  0.0% to 100.0%
  edge-1   - (lost)      1    0     0       0         0            0.0%               -               -

1 warning
  - no carbon intensity is known of 1 cluster (edge-1)
"""
STATE = """\
Fleet of 3 clusters in 2 regions: 4 nodes, 4 pods bound.
3 workloads to decide on: 3 of 8 replicas running; 1 policy of Karmada, 0 workflows, 6 prices.
Prices and carbon as at 2026-01-31T09:00:00Z.
Not used: Ingress 2.

Clusters by region: what is free, and in brackets the most on one node
  CLUSTER  REGION    NODES  IN POOLS  PODS  FREE CPU  FREE MEMORY  FREE NVIDIA.COM/GPU
  east-1   aws/east      2         0     3     4 (3)  20Gi (14Gi)                    -
  west-1   aws/west      1         4     1     7 (7)  30Gi (30Gi)                2 (2)
  edge-1   -             1         0     0         -            -                    -

The cheapest core by market, $ per hour
  CLUSTER  ON-DEMAND    SPOT
  east-1     $0.0325       -
  west-1     $0.0391  $0.012

Regions
  REGION    CLUSTERS  gCO2/kWh  NEXT DAY  PODS AT A TIME  EGRESS, $/GB       LATENCY
  aws/east         1       400   350-420        no limit  $0.02 to 1 region  40 ms to 1 region
  aws/west         1         -         -               8  $0.02 to 1 region  -

Not known
  egress  west-1
  region  edge-1
  prices  edge-1
  carbon  edge-1

1 warning
  - no carbon intensity is known of 1 cluster (edge-1)
"""
DRILL = """\
Drill for cost: the loss of one thing at a time; what runs costs $1.26/h.
1 of 2 losses: everything finds another place.

LOST             NODES  PODS  MOVED  UNPLACED  STRANDED  $/H MORE    ONCE  NEW NODES
cluster=east-1       2     6      5         0         0   +$0.325  $10.00          1
region=aws/west      1     4      1         3         1    -$1.10      $0          0
stranded: pods that belong to what is lost alone; nobody starts them elsewhere

What finds no place
  region=aws/west
    ml/train, 1 pod  1 replica finds no room
    shop/web, 2 pods

1 warning
  - no carbon intensity is known of 1 cluster (edge-1)
"""


@pytest.mark.parametrize(
    ("result", "text"),
    [(example_fleet_plan(), PLAN), (example_state(), STATE), (example_drill(), DRILL)],
    ids=["plan", "fleet", "drill"],
)
def test_the_whole_table(result, text):
    assert piped(result) == text


def test_losses_of_what_nothing_runs_on_prove_nothing():
    drill = example_drill()
    empty = DrillRow(
        lost="cluster=spare", nodes=3, pods=0, moved=0, unplaced={}, stranded=0, per_hour=0.0, once=0.0, new_nodes=0
    )
    said = [piped(replace(drill, rows=rows)).splitlines()[1] for rows in ((*drill.rows, empty), (empty, empty))]
    assert said == [
        "1 of 2 losses: everything finds another place. 1 loss takes nothing that runs.",
        "2 losses take nothing that runs.",
    ]


def test_workloads_without_replicas_are_neither_placed_nor_unschedulable():
    plan = example_fleet_plan()
    idle = WorkloadPlan(workload="shop/zero", kind="Deployment", replicas={}, wanted=0)
    head = piped(replace(plan, workloads=(*plan.workloads, idle))).splitlines()[0]
    assert "2 of 3 workloads placed, 1 unschedulable, 1 without replicas; " in head
    nobody = replace(plan.summary, workloads=0, placed=0, unschedulable=0, pods=0, pending=0)
    head = piped(replace(plan, workloads=(idle,), summary=nobody)).splitlines()[0]
    assert head.endswith(": no workload is to be placed, 1 without replicas.")


def test_wide_names_refused_clusters_data_and_pods():
    lines = piped(example_fleet_plan(), wide=True).splitlines()
    told = [line.split() for line in lines]
    assert ["shop/cache", "west-1", "its", "region", "is", "none", "of", "east"] in told
    assert ["ml/train", "images", "200", "GB", "aws/east", "aws/west", "$4.00", "26.7", "min"] in told
    assert ["ml/train-abcde", "gpu-spot-0", "west-1", "0,1"] in told
    assert "  west-1: ops/scan-0  0/1 nodes are available: 1 Insufficient cpu." in lines


def test_wide_names_what_leads_from_region_to_region():
    told = [line.split() for line in piped(example_state(), wide=True).splitlines()]
    assert ["aws/east", "aws/west", "$0.02", "40", "ms"] in told
    assert ["aws/west", "aws/east", "$0.02", "-"] in told


def test_long_lists_are_cut_unless_they_are_asked_for():
    plan = large_fleet_plan(30, 300)
    text = piped(plan)
    assert "… and 265 more (-o wide)" in text
    assert "… and 10 more (-o wide)" in text
    assert len(text.splitlines()) < 180
    wide = piped(plan, wide=True)
    assert "(-o wide)" not in wide
    assert all(workload.workload in wide for workload in plan.workloads)


def test_an_empty_fleet_has_tables_too():
    nothing = {
        "clusters": (),
        "workloads": (),
        "new_nodes": (),
        "pareto": (),
        "placements": (),
        "unschedulable": (),
        "warnings": (),
    }
    empty = replace(example_fleet_plan(), **nothing)
    summary = replace(empty.summary, workloads=0, placed=0, unschedulable=0, pods=0, pending=0)
    text = piped(replace(empty, summary=summary, without=()))
    assert text.splitlines() == [
        "Fleet plan for cost with policy kubernetes: no workload is to be placed.",
        "2 clusters, as at 2026-01-31T09:00:00Z, planned in 12 ms.",
    ]
    state = FleetState(
        time=0.0, clusters=(), regions=(), workloads=0, replicas=0, running=0, policies=0, workflows=0, prices=0
    )
    assert piped(state).splitlines()[0] == "Fleet of 0 clusters in 0 regions: 0 nodes, 0 pods bound."
    assert piped(Drill("cost", 0.0, ())).splitlines() == [
        "Drill for cost: the loss of one thing at a time; what runs costs $0/h."
    ]


def test_a_workflow_tells_its_sums_its_gap_and_its_tasks():
    plan = replace(example_fleet_plan(), workflows=(WORKFLOW, NO_WORKFLOW))
    lines = piped(plan).splitlines()
    start = lines.index("Workflows: 2 workflows")
    assert lines[start + 1 : start + 6] == [
        "  ml/etl  $3.75, 2 h, 1.5 kg CO2 for cost; heuristic: at most 3.1% above the best",
        "    TASK  CLUSTER  MARKET     STARTS AFTER  TAKES   COST     CO2",
        "    load  east-1   spot                0 s    2 h  $3.25  1.4 kg",
        "    sum   west-1   on-demand           2 h   45 s  $0.50   100 g",
        "  ml/none  task load has no option",
    ]
    assert "  ml/etl    sum   east-1: its region is none of west" in piped(plan, wide=True).splitlines()


@pytest.mark.parametrize("width", [60, 100, 200])
def test_a_terminal_is_never_overrun(width):
    for result in (example_fleet_plan(), example_state(), example_drill()):
        lines = COLOURS.sub("", on_terminal(result, width)).splitlines()
        assert all(len(line) <= width for line in lines)


def test_names_are_taken_literally():
    state = replace(
        example_state(),
        clusters=(
            ClusterReport(
                cluster=HOSTILE,
                provider=HOSTILE,
                region=HOSTILE,
                zones=(),
                nodes=1,
                pools=0,
                pods=0,
                allocation={},
                cheapest={},
                missing=(HOSTILE,),
            ),
        ),
    )
    text = piped(state)
    assert "[red]</script>" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(fleet_plans | fleet_states | drills)
def test_any_result_can_be_written(result):
    for text in (piped(result), piped(result, wide=True)):
        assert text.replace("\n", "").isprintable()
