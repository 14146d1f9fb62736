"""Tables of queues, jobs and evictions: what they say, what they leave out, what they never let through."""

from __future__ import annotations

import pytest
from made_plans import example_explanation, example_plan, pending_explanation
from made_queues import (
    HOSTILE,
    NINE,
    example_evictions,
    example_jobs,
    example_tree,
    large_evictions,
    large_jobs,
)
from msgspec.structs import replace
from printed import COLOURS, on_terminal, piped

from yuheng.model.batch_plan import Eviction, JobReport, QueueReport, QueueTree, Wait
from yuheng.reporting.queue_tree import branches
from yuheng.reporting.waiting import start_text
from yuheng.reporting.wording import amount_text, amounts_text, duration_text, share_text

GIB = 2**30

QUEUES = """\
Queues with deserved amounts by capacity: 5 queues, 6 jobs: 2 running, 1 admitted, 3 waiting.
The cluster's nodes offer cpu 64, memory 256Gi, nvidia.com/gpu 8.

Tree
  QUEUE         WEIGHT   SHARE  RUNNING  ADMITTED  WAITING  MARKS
  root               1   87.5%        2         1        3
    research         2   33.3%        1         1        3
      nlp            1   50.0%        1         1        1
    production     1.5  250.0%        1         0        0  overused
    old              1    0.0%        0         0        0  closed, not reclaimable

cpu
  QUEUE         DESERVED  GUARANTEE  CAPABILITY  ALLOCATED  REQUESTED  BORROWED
  root                64          -           -         28         64         -
    research          48          -           -          8         44         -
      nlp             32          -           -       500m         16         -
    production        16          -           -         20         20         4

memory
  QUEUE         DESERVED  GUARANTEE  CAPABILITY  ALLOCATED  REQUESTED  BORROWED
  root             256Gi          -           -      112Gi      256Gi         -
    research       192Gi          -           -       32Gi      176Gi         -
      nlp          128Gi          -           -      1.5Gi       64Gi         -
    production      64Gi          -           -       80Gi       80Gi      16Gi

nvidia.com/gpu
  QUEUE         DESERVED  GUARANTEE  CAPABILITY  ALLOCATED  REQUESTED  BORROWED
  root                 8          -           -          7         16         -
    research           6          -           -          2         11         -
      nlp              4          2           -          2          4         -
    production         2          -           6          5          5         3

1 warning
  - queue old has no deserved amount.
"""

BATCH = """\
Plan with policy kubernetes: 3 of 6 pending pods placed, 3 unschedulable, 3 running pods evicted.
4 nodes, 11 pods bound before, planned in 12 ms.

Requested of what is allocatable
  RESOURCE  BEFORE  AFTER  POINTS
  cpu        41.0%  62.5%   +21.5
  memory     20.0%  30.0%   +10.0
  pods       10.0%  12.7%    +2.7

Jobs: 2 running, 1 admitted, 2 waiting
  JOB         QUEUE   PLACE  STATE     READY  EARLIEST START                     WAITS FOR
  ml/gpt      nlp         1  admitted    2/8  2026-01-31T09:00:00Z, in 4.5 min   gang
  ml/bert     nlp         2  waiting     0/4  2026-01-31T10:00:00Z, in 64.5 min  quota, gang
  ml/yolo     vision      3  waiting     0/6  -                                  quota
  ml/elastic  nlp         -  running     2/2  -                                  quota

What jobs wait for
  3 jobs  quota: queue nlp uses 4 of 4 nvidia.com/gpu
          jobs  ml/bert, ml/yolo, ml/elastic
  2 jobs  gang: 2 of 8 pods could start, 8 have to
          jobs  ml/gpt, ml/bert

Evicted: 3 pods for 1 job
  2 pods  reclaim for ml/gpt
          reason  queue production borrows 2 nvidia.com/gpu (for 1 pod)
          reason  queue production borrows 1 nvidia.com/gpu (for 1 pod)
          pods    shop/serving-4 on gpu-1, shop/serving-3 on gpu-2
   1 pod  tdm
          reason  the zone night closes at 06:00
          pods    ml/night-0 on gpu-2
"""

STANDING = """\
shop/db-0 stays pending.
0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.
hint  request 500m less cpu

Job ml/bert
  state   waiting in queue nlp: 0 of 4 pods ready, needs 4 to start.
  place   number 2 of the jobs that wait
  starts  2026-01-31T10:00:00Z, in 64.5 min, if nothing new arrives

  WAITS FOR  WHY
  quota      queue nlp uses 4 of 4 nvidia.com/gpu
  gang       2 of 8 pods could start, 8 have to

Queue nlp
  weight 1, below research, share 50.0%
  3 jobs: 1 running, 1 admitted, 1 waiting

  RESOURCE        DESERVED  GUARANTEE  CAPABILITY  ALLOCATED  REQUESTED  BORROWED
  cpu                   32          -           -       500m         16         -
  memory             128Gi          -           -      1.5Gi       64Gi         -
  nvidia.com/gpu         4          2           -          2          4         -

Who borrows
  QUEUE       BORROWS
  production  cpu 4, nvidia.com/gpu 3
"""


def batch_plan(jobs=None, evictions=None):
    return replace(
        example_plan(),
        jobs=example_jobs() if jobs is None else jobs,
        evictions=example_evictions() if evictions is None else evictions,
    )


def test_queues_are_a_tree_and_a_table_a_resource():
    assert piped(example_tree()) == QUEUES


def test_wide_has_a_line_a_queue_and_resource_with_its_name_in_full():
    lines = [line.split() for line in piped(example_tree(), wide=True).splitlines()]
    assert ["nlp", "research", "nvidia.com/gpu", "4", "2", "-", "2", "4", "-", "1", "50.0%", "25.0%", "1/1/1"] in lines
    assert sum(line[:1] == ["production"] for line in lines) == 3
    assert sum(line[:1] == ["old"] for line in lines) == 1


def test_queues_fit_on_a_terminal_of_120_columns():
    lines = COLOURS.sub("", on_terminal(example_tree(), 120)).splitlines()
    assert max(map(len, lines)) <= 120
    assert "      nlp              4          2           -          2          4         -" in [
        x.rstrip() for x in lines
    ]


def test_a_queue_whose_parent_is_not_there_stands_at_the_top_and_none_is_lost():
    queues = (QueueReport(name="a", parent="gone"), QueueReport(name="b", parent="a"), QueueReport(name="", parent=""))
    assert [(branch.queue.name, branch.depth) for branch in branches(QueueTree(queues))] == [
        ("a", 0),
        ("b", 1),
        ("", 0),
    ]


def test_a_long_tree_is_cut_and_what_is_left_out_is_counted():
    tree = QueueTree(tuple(QueueReport(name=f"q-{i:03}", allocated={"cpu": 1}) for i in range(80)))
    assert piped(tree).count("… and 30 more (-o wide)") == 2
    assert "q-079" in piped(tree, wide=True)


def test_a_cluster_without_queues_says_so():
    assert piped(QueueTree(())).startswith("Queues with deserved amounts by proportion: 0 queues, 0 jobs: ")


def test_a_plan_tells_which_jobs_wait_for_what_and_what_has_to_go():
    assert piped(batch_plan()).startswith(BATCH)


def test_a_plan_without_jobs_is_what_it_was():
    assert "Jobs" not in piped(example_plan())
    assert "vict" not in piped(example_plan())


def test_wide_tells_every_job_and_every_eviction():
    text = piped(batch_plan(large_jobs(100), large_evictions(60)), wide=True)
    assert text.count("  team-") == 100
    assert text.count("  ml/worker-") == 60
    assert "quota: queue nlp uses 4 of 4 nvidia.com/gpu; gang: 2 of 8 pods could start, 8 have to" in text
    assert "  ml/worker-00041  node-41  ml/job-002  preempt  reason 1\n" in text


def test_thousands_of_jobs_and_evictions_are_shown_in_part_and_counted():
    text = piped(batch_plan(large_jobs(5000), large_evictions(10000)))
    assert len(text.splitlines()) < 150
    assert "Jobs: 2,500 running, 0 admitted, 2,500 waiting" in text
    assert "… and 2,480 more (-o wide)" in text
    assert "2,500 jobs  quota: queue nlp uses 4 of 4 nvidia.com/gpu" in text
    assert "Evicted: 10,000 pods for 500 jobs" in text
    assert "… and 490 more (-o wide)" in text


def test_jobs_that_wait_come_in_their_order_before_those_that_run_and_want_more():
    jobs = (
        JobReport("a/runs", "q", "running", 1, 1, 2, (Wait("gates", "g"),)),
        JobReport("a/last", "q", "waiting", 0, 1, place=2),
        JobReport("a/first", "q", "admitted", 0, 1, place=1),
        JobReport("a/done", "q", "running", 1, 1),
    )
    found = [line.split()[0] for line in piped(batch_plan(jobs, ())).splitlines() if line.startswith("  a/")]
    assert found == ["a/first", "a/last", "a/runs"]


def test_an_explanation_tells_where_the_job_and_its_queue_stand():
    explanation = replace(
        pending_explanation(),
        job=example_jobs()[3],
        queue=example_tree().queues[4],
        borrowers=(("production", {"cpu": 4000, "nvidia.com/gpu": 3}),),
    )
    assert piped(explanation).startswith(STANDING)


def test_a_victim_is_told_who_takes_its_place_and_by_which_rule():
    victim = replace(example_explanation(), verdict="bound", eviction=example_evictions()[0])
    reason = "reason  queue production borrows 2 nvidia.com/gpu\n"
    assert "The plan evicts it from gpu-1 for ml/gpt by the rule reclaim.\n" + reason in piped(victim)
    assert reason not in piped(replace(victim, message="evicted: queue production borrows 2 nvidia.com/gpu"))
    nobody = replace(victim, eviction=Eviction("a/b", "", "tdm"))
    assert "The plan evicts it by the rule tdm.\n" in piped(nobody)


@pytest.mark.parametrize(
    ("verdict", "words"), [("bound", "ml/gpt runs."), ("fits", "ml/gpt fits."), ("pending", "ml/gpt stays pending.")]
)
def test_a_job_has_no_node(verdict, words):
    job = replace(example_explanation(), pod="ml/gpt", node="", verdict=verdict, scores=(), reasons=())
    assert piped(job) == f"{words}\n"


def test_hostile_names_of_queues_and_jobs_are_printed_literally():
    shown = r"[red]</script><img src=x onerror=alert(1)>\x1b[31m\u202e\u2028&amp;{{7*7}}:smile:"
    job = JobReport(f"a/{HOSTILE}", HOSTILE, "waiting", 0, 1, waiting_for=(Wait("quota", HOSTILE),), place=1)
    eviction = Eviction(f"b/{HOSTILE}", f"c/{HOSTILE}", "reclaim", HOSTILE, HOSTILE)
    queue = QueueReport(name=HOSTILE, deserved={HOSTILE: 1})
    explanation = replace(
        pending_explanation(), job=job, queue=queue, borrowers=((HOSTILE, {HOSTILE: 1}),), eviction=eviction
    )
    for result in (batch_plan((job,), (eviction,)), QueueTree((queue,), {}, HOSTILE, (HOSTILE,)), explanation):
        for wide in (False, True):
            text = piped(result, wide=wide)
            assert shown in text
            assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("resource", "amount", "text"),
    [
        ("cpu", 0, "0"),
        ("cpu", 500, "500m"),
        ("cpu", 1500, "1.5"),
        ("cpu", 5333, "5.33"),
        ("cpu", 12_000_000, "12,000"),
        ("memory", 0, "0"),
        ("memory", 1000, "1,000"),
        ("memory", 24 * GIB, "24Gi"),
        ("memory", 3 * GIB // 2, "1.5Gi"),
        ("hugepages-2Mi", 2**21, "2Mi"),
        ("ephemeral-storage", 2**70, "1,024Ei"),
        ("nvidia.com/gpu", 5000, "5,000"),
    ],
)
def test_amounts_are_quantities_that_people_read(resource, amount, text):
    assert amount_text(resource, amount) == text


def test_amounts_stand_in_the_order_of_their_importance_without_zeros():
    assert amounts_text({"pods": 3, "nvidia.com/gpu": 0, "memory": GIB, "cpu": 100}) == "cpu 100m, memory 1Gi, pods 3"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (42, "42 s"), (119, "119 s"), (270, "4.5 min"), (9000, "2.5 h"), (864000, "10 days")],
)
def test_durations_have_one_unit(seconds, text):
    assert duration_text(seconds) == text


def test_a_share_of_nothing_has_no_percent():
    assert share_text(float("inf")) == "of none"


def test_an_earliest_start_says_what_is_known():
    job = JobReport("a/b", "q", "waiting", 0, 1)
    assert start_text(job) == ""
    assert start_text(replace(job, earliest_start=NINE)) == "2026-01-31T09:00:00Z"
    assert start_text(replace(job, starts_in=0.0)) == "now"
