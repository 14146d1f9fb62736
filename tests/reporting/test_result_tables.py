"""Tables for the terminal: what they say, at every width, to a terminal and to a pipe, of any name."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_plans import (
    HOSTILE,
    example_explanation,
    example_headroom,
    example_plan,
    explanations,
    headrooms,
    large_plan,
    pending_explanation,
    plans,
)
from made_queues import example_tree, queue_trees
from printed import COLOURS, on_terminal, piped
from rich.cells import cell_len
from rich.console import Console

from yuheng.model.plan import (
    Candidate,
    Explanation,
    Headroom,
    NodeHeadroom,
    Placement,
    Plan,
    Refusal,
    Summary,
)
from yuheng.reporting.tables import write_plan

ANY_RESULT = plans() | explanations | headrooms | queue_trees

PLAN = """\
Plan with policy kubernetes: 3 of 6 pending pods placed, 3 unschedulable.
4 nodes, 11 pods bound before, planned in 12 ms.

Requested of what is allocatable
  RESOURCE  BEFORE  AFTER  POINTS
  cpu        41.0%  62.5%   +21.5
  memory     20.0%  30.0%   +10.0
  pods       10.0%  12.7%    +2.7

Pending: 3 pods for 2 reasons
  2 pods  0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.
          hint     request 500m less cpu
          closest  node-2 lacks cpu 500m
          pods     shop/db-0, shop/db-1
   1 pod  0/4 nodes are available: 4 Insufficient nvidia.com/gpu.
          pods     ml/train-1

Placed: 3 pods
  POD         NODE    DEVICES
  shop/web-1  node-1
  shop/web-2  node-2
  ml/train-0  node-4  0,1

1 warning
  - Volcano's plugin nodegroup is not known to Yuheng and was left out.
"""

WIDE_REFUSAL = """\
Pending: 3 pods
  shop/db-0  0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.
    closest  node-2 lacks cpu 500m; node-4 lacks TaintToleration: {gpu: true}
    hint     request 500m less cpu
"""

FITS = """\
shop/web-1 fits on node-1.

Scores of 2 feasible nodes
  #  NODE    SCORE
  1  node-1    312
  2  node-2    307

  PLUGIN             #1   #2
  TaintToleration   300  300
  NodeResourcesFit   12    7

Rejected nodes
  NODES  REASON                                     FILTER
      3  Insufficient cpu                           NodeResourcesFit
      1  node(s) had untolerated taint {gpu: true}  TaintToleration
"""

PENDING = """\
shop/db-0 stays pending.
0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.
hint  request 500m less cpu

Closest nodes
  NODE    LACKS
  node-2  cpu 500m
  node-4  TaintToleration: {gpu: true}

Rejected nodes
  NODES  REASON                                     FILTER
      3  Insufficient cpu                           NodeResourcesFit
      1  node(s) had untolerated taint {gpu: true}  TaintToleration
"""

HEADROOM = """\
shop/web: 7 more fit with policy kubernetes.
runs out first  Insufficient cpu
the next one    0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.

Fit on 2 nodes
  NODE    PODS
  node-1     4
  node-3     3

Why the next one does not fit
  NODES  REASON                                     FILTER
      3  Insufficient cpu                           NodeResourcesFit
      1  node(s) had untolerated taint {gpu: true}  TaintToleration
"""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (example_plan(), PLAN),
        (example_explanation(), FITS),
        (pending_explanation(), PENDING),
        (example_headroom(), HEADROOM),
    ],
    ids=["plan", "fits", "pending", "headroom"],
)
def test_a_pipe_gets_plain_lines(result, expected):
    assert piped(result) == expected


def test_wide_tells_every_refusal_in_full():
    assert WIDE_REFUSAL in piped(example_plan(), wide=True)


def test_wide_tells_every_row():
    plan = large_plan(60, 400)
    text = piped(plan, wide=True)
    lines = text.splitlines()
    rows = {tuple(line.split()) for line in lines}
    for placement in plan.placements:
        devices = ",".join(map(str, placement.devices))
        assert tuple(filter(None, (placement.pod, placement.node, devices))) in rows
    for refusal in plan.unschedulable:
        assert f"  {refusal.pod}  {refusal.message}" in lines
    assert "more (-o wide)" not in text


def test_what_is_left_out_is_counted():
    plan = large_plan(60, 400)
    assert f"… and {len(plan.placements) - 20:,} more (-o wide)" in piped(plan)
    groups = tuple(Refusal(f"a/{number}", f"reason {number:02}") for number in range(13))
    assert "… and 3 more (-o wide)" in piped(Plan("p", (), groups, plan.summary))
    hints = tuple(Refusal(f"a/{number}", "the same", hint=f"hint {number}") for number in range(6))
    assert f"{' ' * 18}… and 3 more (-o wide)" in piped(Plan("p", (), hints, plan.summary))
    nodes = tuple(NodeHeadroom(f"node-{number}", 1) for number in range(23))
    assert "… and 3 more (-o wide)" in piped(Headroom("a/b", "p", 23, nodes, ""))
    assert "… and 3 more" not in piped(Headroom("a/b", "p", 23, nodes, ""), wide=True)


def test_scores_of_the_best_nodes_stand_side_by_side_and_wide_shows_all():
    names = [f"ip-10-0-0-{number}.a-rather-long-region-name.compute.internal" for number in range(8)]
    scores = tuple(
        Candidate(name, 100 - place, {"NodeResourcesBalancedAllocation": 90 - place, "ImageLocality": 10})
        for place, name in enumerate(names)
    )
    explanation = Explanation("a/b", "fits", "", scores=scores, node=names[0])
    lines = COLOURS.sub("", on_terminal(explanation, 80)).splitlines()
    assert "Scores of the best 5 of 8 feasible nodes" in lines
    assert "  NodeResourcesBalancedAllocation  90  89  88  87  86" in [line.rstrip() for line in lines]
    assert "  … and 3 more (-o wide)" in lines
    assert (
        f"  8  {names[7]}     93                               83             10"
        in piped(explanation, wide=True).splitlines()
    )


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("result", [large_plan(300, 400), pending_explanation(), example_headroom(), example_tree()])
def test_a_terminal_is_never_overrun_and_names_stay_whole(result, width):
    text = COLOURS.sub("", on_terminal(result, width))
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= width
    if isinstance(result, Plan):
        shown = {line.strip() for line in lines} | {word for line in lines for word in line.split()}
        for placement in result.placements[:20]:
            assert placement.pod in shown
            assert placement.node in shown


def test_on_a_narrow_terminal_devices_say_what_they_are():
    plan = Plan("p", (Placement("a/" + "b" * 60, "n" * 60, (0, 3)),), (), example_plan().summary)
    assert "n  devices 0,3" in COLOURS.sub("", on_terminal(plan, 80))


def test_only_a_terminal_gets_colours():
    assert COLOURS.search(on_terminal(example_plan(), 80))
    assert not COLOURS.search(piped(example_plan()))


@given(ANY_RESULT, st.booleans())
def test_nothing_in_a_name_reaches_the_terminal_as_a_command(result, wide):
    for text in (piped(result, wide=wide), COLOURS.sub("", on_terminal(result, 100, wide=wide))):
        assert text.replace("\n", "").isprintable()


def test_markup_and_control_characters_are_printed_literally():
    plan = Plan("p", (Placement(f"a/{HOSTILE}", HOSTILE),), (), example_plan().summary)
    shown = r"[red]</script><img src=x onerror=alert(1)>\x1b[31m\u202e\u2028&amp;{{7*7}}:smile:"
    assert f"  a/{shown}  {shown}\n" in piped(plan)
    assert shown in COLOURS.sub("", on_terminal(plan, 300))


@given(plans())
def test_a_console_that_knows_only_ascii_is_enough(plan):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    write_plan(plan, Console(file=file, force_terminal=False))
    write_plan(large_plan(5, 60), Console(file=file, force_terminal=False))
    file.flush()
    assert b"... and " in raw.getvalue()


def test_refusals_whose_numbers_differ_are_one_group():
    text = piped(large_plan(300, 400))
    assert "Pending: 31 pods for 3 reasons" in text
    assert "the numbers of nodes differ from pod to pod" in text
    assert "request 500m less cpu (for " in text


def test_a_plan_without_pending_pods_says_so():
    plan = Plan("p", (), (), Summary(3, 0, 0, 0, 9, {}, 0.0))
    assert piped(plan) == "Plan with policy p: nothing is pending.\n3 nodes, 9 pods bound before, planned in 0 ms.\n"


def test_a_bound_pod_is_said_to_be_bound():
    assert piped(Explanation("a/b", "bound", "", node="n")) == "a/b is bound to n.\n"


@pytest.mark.parametrize(("total", "words"), [(0, "no more fit"), (1, "1 more fits"), (1234, "1,234 more fit")])
def test_a_headroom_counts_in_words(total, words):
    assert piped(Headroom("a/b", "p", total, (), "")) == f"a/b: {words} with policy p.\n"


def test_reporting_itself_imports_neither_rich_nor_jinja2():
    code = "import sys, yuheng.reporting; print({'rich', 'jinja2', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
