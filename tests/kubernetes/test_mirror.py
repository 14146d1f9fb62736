"""The mirror: what cannot be used stops nobody else, is found in one reading, and holds up no event loop."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from yuheng.errors import InputError
from yuheng.kubernetes.api import KINDS
from yuheng.kubernetes.mirror import WATCHED, Mirror, state
from yuheng.model.cluster import Snapshot
from yuheng.readers.snapshot import read

QUEUE = "scheduling.volcano.sh/queue-name"
GROUP = "scheduling.k8s.io/group-name"
JOB = "volcano.sh/job-name"
QUEUES, GROUPS, JOBS = "queues.scheduling.volcano.sh", "podgroups.scheduling.volcano.sh", "jobs.batch.volcano.sh"
HYPER_NODES = "hypernodes.topology.volcano.sh"


def pod(
    name: str, *, cpu: str = "1", annotations: dict[str, str] | None = None, phase: str = "Pending", **spec: Any
) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    container["env"] = [{"name": "PASSWORD", "value": "planted-value"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": annotations or {},
        },
        "spec": {"schedulerName": "yuheng", "priority": 0, "containers": [container], **spec},
        "status": {"phase": phase},
    }


def node(name: str) -> dict[str, Any]:
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {}},
        "status": {"allocatable": amounts, "capacity": amounts},
    }


def named(name: str, namespace: str = "default", **body: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": name, **body.pop("metadata", {})}, **body}


def volcano_job(name: str, queue: str = "q") -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
    tasks = [{"name": "work", "replicas": 2, "template": template}]
    return named(name, spec={"minAvailable": 2, "queue": queue, "tasks": tasks})


class Made:
    """A mirror, and what tells it."""

    def __init__(self) -> None:
        self.mirror = Mirror("yuheng")
        self.pods, self.nodes = self.mirror.sink(KINDS["pods"]), self.mirror.sink(KINDS["nodes"])
        self.sinks = {kind: self.mirror.sink(KINDS[kind], watched) for kind, watched in WATCHED.items()}
        self.nodes.put(raw(node("a")))

    def pod(self, name: str, **more: Any) -> None:
        self.pods.put(raw(pod(name, **more)))

    def item(self, kind: str, body: dict[str, Any]) -> None:
        self.sinks[kind].put(raw(body))

    def snapshot(self) -> Snapshot:
        return asyncio.run(self.mirror.snapshot())

    def queue(self, name: str, **spec: Any) -> None:
        self.item(QUEUES, named(name, "", spec={"weight": 1, **spec}))


def raw(body: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(body))


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A line for each time that a snapshot is put together."""
    found: list[int] = []
    assembled = state.assembled

    def counted(*given: Any) -> Any:
        found.append(len(found))
        return assembled(*given)

    monkeypatch.setattr(state, "assembled", counted)
    return found


BAD: dict[str, Callable[[Made, int], None]] = {
    "Pod": lambda made, i: made.pod(f"p{i}", annotations={QUEUE: "nowhere"}),
    "PodGroup": lambda made, i: made.item(GROUPS, named(f"g{i}", spec={"minMember": -1})),
    "Job.batch.volcano.sh": lambda made, i: made.item(JOBS, volcano_job(f"j{i}", "nowhere")),
    "Queue": lambda made, i: made.queue(f"q{i}", parent="nowhere"),
    "HyperNode": lambda made, i: made.item(HYPER_NODES, named(f"h{i}", "", spec={"tier": -1})),
    "PodDisruptionBudget": lambda made, i: made.item(
        "poddisruptionbudgets.policy", named(f"b{i}", spec={"maxUnavailable": "x"})
    ),
    "PriorityClass": lambda made, i: made.item("priorityclasses.scheduling.k8s.io", named(f"c{i}", "", value=2**40)),
}


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind not in ("PodDisruptionBudget", "PriorityClass")])
def test_all_objects_that_cannot_be_used_are_found_in_one_reading(kind: str, made: Made, readings: list[int]) -> None:
    made.queue("q")
    made.pod("good", annotations={QUEUE: "q"})
    for i in range(30):
        BAD[kind](made, i)
    found = made.snapshot()
    assert [one.key for one in found.pods] == ["default/good"]
    assert len(readings) == 1
    assert made.mirror.unreadable() == {kind: 30}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_stops_nobody_else(kind: str, made: Made) -> None:
    made.pod("good")
    BAD[kind](made, 0)
    assert "default/good" in [one.key for one in made.snapshot().pods]


def test_queues_in_a_circle_are_left_out_with_those_below_them(made: Made) -> None:
    made.queue("one", parent="two")
    made.queue("two", parent="one")
    made.queue("below", parent="two")
    made.queue("apart")
    assert [queue.name for queue in made.snapshot().queues] == ["apart", "default"]
    assert made.mirror.unreadable() == {"Queue": 3}


def test_hyper_nodes_in_a_circle_stop_nobody(made: Made) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        member = {"type": "HyperNode", "selector": {"exactMatch": {"name": other}}}
        made.item(HYPER_NODES, named(name, "", spec={"tier": 1, "members": [member]}))
    made.pod("good")
    assert len(made.snapshot().pods) == 1
    assert list(made.mirror.unreadable()) == ["HyperNode"]


def test_queues_that_are_guaranteed_more_than_there_is_stay_queues(made: Made) -> None:
    for name in ("one", "two"):
        made.queue(name, guarantee={"resource": {"cpu": "3"}})
    assert [queue.name for queue in made.snapshot().queues] == ["default", "one", "two"]
    assert made.mirror.unreadable() == {"Queue": 1}


def test_a_pod_is_in_order_again_when_its_queue_comes(made: Made) -> None:
    made.queue("other")
    made.pod("p", annotations={QUEUE: "mine"})
    assert made.snapshot().pods == ()
    known = made.mirror.pods["default/p"]
    assert "mine" in known.problem
    made.mirror.touched()
    made.queue("mine")
    assert [one.queue for one in made.snapshot().pods] == ["mine"]
    assert (known.problem, known.is_changed, made.mirror.problems) == ("", True, {})
    assert made.mirror.touched() == {"default/p"}


def test_a_running_pod_of_a_queue_that_is_not_there_holds_its_room(made: Made) -> None:
    made.queue("other")
    made.pod("p", annotations={QUEUE: "nowhere"}, nodeName="a", phase="Running")
    (found,) = made.snapshot().pods
    assert (found.node, found.queue, found.spec.requests["cpu"]) == ("a", "", 1000)
    assert list(made.mirror.problems) == ["Pod default/p"]


def test_nothing_is_placed_beside_a_running_pod_that_cannot_be_read(made: Made) -> None:
    made.nodes.put(raw(node("b")))
    made.pod("p", cpu="x", nodeName="a", phase="Running")
    for _ in range(2):
        assert [one.unschedulable for one in made.snapshot().nodes] == [True, False]
    assert made.mirror.unreadable() == {"Pod": 1}
    made.pods.gone(raw(pod("p")))
    assert made.mirror.stale
    assert [one.unschedulable for one in made.snapshot().nodes] == [False, False]
    assert made.mirror.problems == {}


def test_a_running_pod_that_can_be_read_again_opens_its_node(made: Made) -> None:
    made.pod("p", cpu="x", nodeName="a", phase="Running")
    made.snapshot()
    made.pod("p", cpu="2", nodeName="a", phase="Running")
    assert made.mirror.stale
    found = made.snapshot()
    assert (found.nodes[0].unschedulable, len(found.pods), made.mirror.problems) == (False, 1, {})


@pytest.mark.parametrize(("kind", "body"), [(GROUPS, named("g", spec={"minMember": -1})), (JOBS, named("j", spec={}))])
def test_pods_of_a_gang_that_cannot_be_used_are_not_started_alone(kind: str, body: dict[str, Any], made: Made) -> None:
    made.queue("q")
    made.item(kind, body)
    words = {GROUP: "g", JOB: "j"}
    made.pod("waits", annotations=words)
    made.pod("runs", annotations=words, nodeName="a", phase="Running")
    assert [one.key for one in made.snapshot().pods] == ["default/runs"]
    (why,) = (text for subject, text in made.mirror.problems.items() if not subject.startswith("Pod "))
    subject, _, cause = why.removeprefix("the cluster: ").partition(": ")
    # Whoever made the pod sees its condition, and not the log.
    assert made.mirror.pods["default/waits"].problem.endswith(f"Pod default/waits: {subject} cannot be used: {cause}")


def test_an_object_that_the_engine_cannot_use_is_tried_again_when_it_changes(made: Made) -> None:
    made.pod("p")
    made.snapshot()
    error = InputError("99 resources", "fewer", subject="Pod default/p")
    assert made.mirror.leave_out(error)
    assert not made.mirror.leave_out(error)
    assert made.snapshot().pods == ()
    made.pod("p")
    assert made.snapshot().pods == ()
    assert made.mirror.pods["default/p"].problem
    made.pod("p", cpu="2")
    assert len(made.snapshot().pods) == 1


def test_pods_belong_where_files_would_have_them() -> None:
    made = Made()
    group = named("g", spec={"minMember": 2, "queue": "q"})
    job = volcano_job("j")
    job["spec"]["runningEstimate"] = "90s"
    pods = [
        pod("alone"),
        pod("queued", annotations={QUEUE: "q"}),
        pod("g-0", annotations={GROUP: "g"}),
        pod("g-1", annotations={GROUP: "g"}, nodeName="a", phase="Running"),
        pod("g-2", annotations={GROUP: "g"}, nodeName="a", phase="Succeeded"),
        pod("j-work-0", annotations={JOB: "j"}),
        pod("j-work-1", annotations={JOB: "j", "yuheng.io/running-estimate": "5m"}),
        pod("stranger", annotations={GROUP: "unknown"}),
    ]
    queue = named("q", "", spec={"weight": 1})
    for one in pods:
        made.pods.put(raw(one))
    for kind, body in ((QUEUES, queue), (GROUPS, group), (JOBS, job)):
        made.item(kind, body)
    written = (
        {**queue, "kind": "Queue", "apiVersion": "scheduling.volcano.sh/v1beta1"},
        {**group, "kind": "PodGroup", "apiVersion": "scheduling.volcano.sh/v1beta1"},
        {**job, "kind": "Job", "apiVersion": "batch.volcano.sh/v1alpha1"},
    )
    live, saved = made.snapshot(), read([*pods, node("a"), *written])
    assert live.pods == saved.pods
    assert live.jobs == saved.jobs
    assert live.queues == saved.queues
    assert {one.key: (one.job, one.estimate) for one in live.pods}["default/j-work-0"] == ("default/j", 90.0)
    assert [job.succeeded for job in live.jobs if job.kind == "PodGroup"] == [1]


def test_of_a_pod_nothing_is_kept_but_what_is_read(made: Made) -> None:
    made.pod("p", annotations={GROUP: "g", "note": "planted-note"})
    made.pod("q", annotations={GROUP: "g"}, phase="Succeeded")
    assert b"planted" not in pickle.dumps(list(made.mirror.pods.values()))


def test_hundreds_of_bad_objects_are_counted_and_a_few_are_told(made: Made) -> None:
    with capture_logs() as lines:
        for i in range(200):
            made.pod(f"p{i}", cpu="x", nodeName="a")
            made.pod(f"p{i}", cpu="x", nodeName="a")
    assert len(lines) == 11
    assert lines[-1]["kind"] == "Pod"
    assert made.mirror.unreadable() == {"Pod": 200}


async def test_the_event_loop_goes_on_while_a_snapshot_is_put_together(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.pod("p")
    assembled, go = state.assembled, threading.Event()

    def slow(*given: Any) -> Any:
        assert go.wait(5)
        return assembled(*given)

    monkeypatch.setattr(state, "assembled", slow)
    task = asyncio.ensure_future(made.mirror.snapshot())
    await asyncio.sleep(0)
    made.pod("later", nodeName="a")
    go.set()
    assert [one.key for one in (await task).pods] == ["default/p"]
    assert len(made.mirror.changes()) == 1


def test_an_object_with_nulls_is_taken_without_them(made: Made) -> None:
    made.item("replicasets.apps", named("r", spec={"selector": {"matchLabels": None}}))
    made.pod("p")
    assert len(made.snapshot().pods) == 1
    assert made.mirror.problems == {}


def test_an_object_of_which_nothing_can_be_read_is_passed_over(made: Made) -> None:
    made.item("replicasets.apps", named("r", spec={"selector": 7}))
    assert list(made.mirror.problems) == ["ReplicaSet default/r"]
