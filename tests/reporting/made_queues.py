"""Made-up jobs, evictions and queues for the tests of reporting: a fixed example of each, and any at all."""

from __future__ import annotations

from hypothesis import strategies as st

from yuheng.model.batch_plan import Eviction, JobCounts, JobReport, QueueReport, QueueTree, Wait

GIB = 2**30
HOSTILE = "[red]</script><img src=x onerror=alert(1)>\x1b[31m\u202e\u2028&amp;{{7*7}}:smile:"
NINE = 1769850000.0  # 2026-01-31T09:00:00Z

QUOTA = Wait("quota", "queue nlp uses 4 of 4 nvidia.com/gpu")
GANG = Wait("gang", "2 of 8 pods could start, 8 have to")


def example_jobs() -> tuple[JobReport, ...]:
    """A job that runs, one that runs and wants more, and three that wait, in the plan's order."""
    return (
        JobReport("shop/serving", "production", "running", 3, 1, 3),
        JobReport("ml/elastic", "nlp", "running", 2, 2, 4, (QUOTA,)),
        JobReport("ml/gpt", "nlp", "admitted", 2, 8, 8, (GANG,), 1, NINE, 270.0),
        JobReport("ml/bert", "nlp", "waiting", 0, 4, 4, (QUOTA, GANG), 2, NINE + 3600, 3870.0),
        JobReport("ml/yolo", "vision", "waiting", 0, 6, 6, (QUOTA,), 3),
    )


def example_evictions() -> tuple[Eviction, ...]:
    """Two pods that make room for a job, one whose zone closes."""
    return (
        Eviction("shop/serving-4", "ml/gpt", "reclaim", "queue production borrows 2 nvidia.com/gpu", "gpu-1"),
        Eviction("shop/serving-3", "ml/gpt", "reclaim", "queue production borrows 1 nvidia.com/gpu", "gpu-2"),
        Eviction("ml/night-0", "", "tdm", "the zone night closes at 06:00", "gpu-2"),
    )


def example_tree() -> QueueTree:
    """A root, a queue that borrows, a queue with queues below it, one that is closed; not in the tree's order."""
    return QueueTree(
        (
            QueueReport(
                name="root",
                deserved=_amounts(64, 256, 8),
                allocated=_amounts(28, 112, 7),
                requested=_amounts(64, 256, 16),
                share=0.875,
                jobs=JobCounts(2, 1, 3),
            ),
            QueueReport(
                name="research",
                parent="root",
                weight=2,
                deserved=_amounts(48, 192, 6),
                allocated=_amounts(8, 32, 2),
                requested=_amounts(44, 176, 11),
                share=1 / 3,
                jobs=JobCounts(1, 1, 3),
            ),
            QueueReport(
                name="production",
                parent="root",
                weight=1.5,
                deserved=_amounts(16, 64, 2),
                capability={"nvidia.com/gpu": 6},
                allocated=_amounts(20, 80, 5),
                requested=_amounts(20, 80, 5),
                borrowed={"cpu": 4000, "memory": 16 * GIB, "nvidia.com/gpu": 3},
                share=2.5,
                jobs=JobCounts(1, 0, 0),
                overused=True,
            ),
            QueueReport(name="old", parent="root", closed=True, reclaimable=False),
            QueueReport(
                name="nlp",
                parent="research",
                deserved=_amounts(32, 128, 4),
                guarantee={"nvidia.com/gpu": 2},
                allocated={"cpu": 500, "memory": 1536 * 2**20, "nvidia.com/gpu": 2},
                requested=_amounts(16, 64, 4),
                share=0.5,
                dominant_share=0.25,
                jobs=JobCounts(1, 1, 1),
            ),
        ),
        _amounts(64, 256, 8),
        "capacity",
        ("queue old has no deserved amount.",),
    )


def _amounts(cpu: int, memory: int, gpus: int) -> dict[str, int]:
    return {"cpu": cpu * 1000, "memory": memory * GIB, "nvidia.com/gpu": gpus}


def large_jobs(number: int) -> tuple[JobReport, ...]:
    """Any number of jobs, of which one in two waits."""
    half = number // 2
    running = tuple(JobReport(f"team-{i % 5}/run-{i:05}", f"queue-{i % 7}", "running", 4, 4, 4) for i in range(half))
    waiting = (_waiting(i, f"queue-{i % 7}", (QUOTA, GANG)[: 1 + i % 2]) for i in range(number - half))
    return (*running, *waiting)


def _waiting(i: int, queue: str, waits: tuple[Wait, ...]) -> JobReport:
    return JobReport(f"team-{i % 5}/wait-{i:05}", queue, "waiting", i % 3, 8, 8, waits, i + 1)


def large_evictions(number: int) -> tuple[Eviction, ...]:
    """Any number of evictions, twenty a job."""
    return tuple(
        Eviction(f"ml/worker-{i:05}", f"ml/job-{i // 20:03}", "preempt", f"reason {i % 5}", f"node-{i % 90}")
        for i in range(number)
    )


# Any of them at all: names of any characters.
words = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from([HOSTILE, "node-1", "1e3", "on", "0x1f", "~"]))
keys = st.builds("{}/{}".format, words.filter(lambda word: "/" not in word), words)


def few(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=4).map(tuple)


per_resource = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "pods", HOSTILE]), st.integers(0, 2**53), max_size=4
)
waits = st.builds(
    Wait, kind=st.sampled_from(["gang", "quota", "resources", "topology", "order", "dependsOn"]), message=words
)
counts = st.integers(0, 10000)
job_reports = st.builds(
    JobReport,
    job=keys,
    queue=words,
    state=st.sampled_from(["running", "admitted", "waiting"]),
    ready=counts,
    min_available=counts,
    pods=counts,
    waiting_for=few(waits),
    place=counts,
    earliest_start=st.none() | st.floats(0, 1e10),
    starts_in=st.none() | st.floats(-10, 1e9),
)
evictions = st.builds(
    Eviction,
    pod=keys,
    by=st.just("") | keys,
    rule=st.sampled_from(["preempt", "reclaim", "tdm"]),
    reason=st.just("") | words,
    node=st.just("") | words,
)
queue_reports = st.builds(
    QueueReport,
    name=words,
    parent=st.just("") | words,
    weight=st.floats(0, 1000),
    deserved=per_resource,
    guarantee=per_resource,
    capability=per_resource,
    allocated=per_resource,
    requested=per_resource,
    share=st.floats(0, 1e6),
    dominant_share=st.floats(0, 100),
    borrowed=per_resource,
    jobs=st.builds(JobCounts, running=counts, admitted=counts, waiting=counts),
    overused=st.booleans(),
    closed=st.booleans(),
    reclaimable=st.booleans(),
)
queue_trees = st.builds(
    QueueTree,
    queues=st.lists(queue_reports, max_size=5, unique_by=lambda queue: queue.name).map(tuple),
    total=per_resource,
    policy=words,
    warnings=few(words),
)
