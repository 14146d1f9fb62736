"""Whatever is read: an answer or an error of ours, never another one."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_objects import asking, named, node, pod

from yuheng.errors import YuhengError
from yuheng.readers import read, read_pod

APP = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
TERM = {"topologyKey": "zone", "labelSelector": APP, "namespaceSelector": APP, "namespaces": ["x"]}
NODE_TERM = {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}
REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))
FULL_POD = pod(
    metadata={
        "namespace": "x",
        "uid": "1",
        "labels": {"app": "web"},
        "annotations": {"alibabacloud.com/gpu-milli": "500", "alibabacloud.com/gpu-index": "0"},
        "creationTimestamp": "2026-01-31T12:00:00Z",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "controller": True}],
    },
    nodeName="n",
    containers=[asking({"cpu": "1", "nvidia.com/gpu": 1}, limits={"memory": "1Gi"}, ports=[{"hostPort": 80}])],
    initContainers=[asking({"cpu": "1"}, restartPolicy="Always")],
    nodeSelector={"a": "b"},
    tolerations=[{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 5}],
    affinity={
        "nodeAffinity": {
            REQUIRED: {"nodeSelectorTerms": [NODE_TERM]},
            PREFERRED: [{"weight": 1, "preference": NODE_TERM}],
        },
        "podAffinity": {REQUIRED: [TERM]},
        "podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": TERM}]},
    },
    topologySpreadConstraints=[
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": APP}
    ],
    overhead={"cpu": "1"},
    resources={"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "w", "image": {"reference": "r"}}],
    schedulingGates=[{"name": "g"}],
    priority=1,
    status={
        "phase": "Running",
        "conditions": [{"type": "PodResizePending", "reason": "Infeasible"}],
        "containerStatuses": [
            {"name": "c", "allocatedResources": {"cpu": "1"}, "resources": {"requests": {"cpu": "2"}}}
        ],
    },
)
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
OBJECTS: list[dict[str, Any]] = [
    FULL_POD,
    node(
        metadata={"labels": {"nvidia.com/gpu.memory": "1"}, "annotations": {"volcano.sh/node-vgpu-register": "a,1,2"}},
        spec={"taints": [{"key": "a", "effect": "NoSchedule"}], "unschedulable": True},
        status={
            "allocatable": {"cpu": "1", "nvidia.com/gpu": "1"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["a"], "sizeBytes": 1}],
        },
    ),
    named("Namespace", "x", metadata={"labels": {"a": "b"}}),
    named("PriorityClass", "c", "scheduling.k8s.io/v1", value=1, globalDefault=True),
    named("Service", "s", spec={"selector": {"a": "b"}}),
    named("PodDisruptionBudget", "b", "policy/v1", spec={"selector": APP}, status={"disruptionsAllowed": 1}),
    named("PersistentVolumeClaim", "c", metadata={"namespace": "x"}, spec={"volumeName": "v"}),
    named("PersistentVolume", "v", spec={"nodeAffinity": {"required": {"nodeSelectorTerms": [NODE_TERM]}}}),
    named("Deployment", "d", "apps/v1", spec={"replicas": 2, "selector": APP, "template": TEMPLATE}),
    named("StatefulSet", "t", "apps/v1", spec={"replicas": 2, "selector": APP, "template": TEMPLATE}),
    named("DaemonSet", "e", "apps/v1", spec={"selector": APP, "template": TEMPLATE}),
    named(
        "Queue",
        "q",
        "scheduling.volcano.sh/v1beta1",
        metadata={
            "annotations": {
                "volcano.sh/hierarchy": "root/a/b",
                "volcano.sh/hierarchy-weights": "1/2/3",
                "volcano.sh/nodegroup-resource-limits": '{"g": {"cpu": 1}}',
                "yuheng.io/private-min-priority": "1",
            },
            "creationTimestamp": "2026-01-31T12:00:00Z",
        },
        spec={
            "weight": 2,
            "capability": {"cpu": "1"},
            "guarantee": {"resource": {"cpu": "1"}},
            "deserved": {"cpu": "1"},
            "affinity": {"nodeGroupAffinity": {REQUIRED: ["a"]}},
        },
    ),
    named(
        "Job",
        "v",
        "batch.volcano.sh/v1alpha1",
        metadata={
            "uid": "5",
            "annotations": {"volcano.sh/sla-waiting-time": "1h", "volcano.sh/jdb-min-available": "1"},
        },
        spec={
            "queue": "q",
            "minAvailable": 1,
            "runningEstimate": "1h",
            "networkTopology": {"mode": "hard", "highestTierName": "leaf"},
            "volumes": [{"volumeClaimName": "c"}],
            "tasks": [
                {"name": "a", "replicas": 1, "template": TEMPLATE},
                {
                    "replicas": 2,
                    "template": TEMPLATE,
                    "dependsOn": {"name": ["a"], "iteration": "any"},
                    "partitionPolicy": {"totalPartitions": 1, "partitionSize": 2},
                },
            ],
        },
        status={"state": {"phase": "Running"}, "taskStatusCount": {"a": {"phase": {"Succeeded": 0}}}},
    ),
    named(
        "PodGroup",
        "g",
        "scheduling.volcano.sh/v1beta1",
        metadata={"ownerReferences": [{"kind": "Job", "name": "v", "uid": "5"}]},
        spec={
            "minMember": 1,
            "minTaskMember": {"a": 1},
            "minResources": {"cpu": 1},
            "subGroupPolicy": [{"name": "s", "labelSelector": APP, "matchLabelKeys": ["a"], "subGroupSize": 1}],
        },
        status={"phase": "Inqueue"},
    ),
    named(
        "HyperNode",
        "h",
        "topology.volcano.sh/v1alpha1",
        spec={
            "tier": 1,
            "tierName": "leaf",
            "members": [
                {"type": "Node", "selector": {"exactMatch": {"name": "n"}}},
                {"type": "Node", "selector": {"regexMatch": {"pattern": "n"}}},
                {"type": "Node", "selector": {"labelMatch": APP}},
            ],
        },
    ),
    named(
        "ClusterQueue",
        "cq",
        "kueue.x-k8s.io/v1beta1",
        spec={
            "cohort": "co",
            "resourceGroups": [
                {"flavors": [{"name": "f", "resources": [{"name": "cpu", "nominalQuota": 1, "lendingLimit": "1"}]}]}
            ],
            "preemption": {"reclaimWithinCohort": "Any"},
            "fairSharing": {"weight": "1"},
        },
    ),
    named("Cohort", "co", "kueue.x-k8s.io/v1beta1", spec={"parentName": "top"}),
    named("LocalQueue", "lq", "kueue.x-k8s.io/v1beta1", spec={"clusterQueue": "cq"}),
    named(
        "Job",
        "k",
        "batch/v1",
        metadata={"labels": {"kueue.x-k8s.io/queue-name": "lq"}},
        spec={"suspend": True, "parallelism": 2, "completions": 3, "activeDeadlineSeconds": 5, "template": TEMPLATE},
    ),
    pod(
        "grouped",
        metadata={
            "labels": {"kueue.x-k8s.io/queue-name": "lq", "kueue.x-k8s.io/pod-group-name": "g2"},
            "annotations": {"kueue.x-k8s.io/pod-group-total-count": "2", "yuheng.io/running-estimate": "1h"},
        },
        activeDeadlineSeconds=5,
        preemptionPolicy="Never",
        status={"startTime": "2026-01-31T12:00:00Z"},
    ),
    named(
        "ConfigMap",
        "volcano",
        data={"volcano-scheduler.conf": "actions: allocate\ntiers: [{plugins: [{name: gang, arguments: {a: 1}}]}]"},
    ),
    named("CronJob", "j", "batch/v1", spec={"jobTemplate": {"spec": {"parallelism": 2, "template": TEMPLATE}}}),
]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("1"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in an object."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = changed(value[path[0]], path[1:], new)
    return value


PLACES = [(number, place) for number, value in enumerate(OBJECTS) for place in places(value) if place]


def test_the_objects_are_in_order_before_something_is_changed_in_them() -> None:
    found = read(OBJECTS)
    assert (len(found.nodes), len(found.selectors), len(found.budgets), len(found.volumes)) == (1, 3, 1, 1)
    assert len(found.pods) > 6
    assert (len(found.queues), len(found.jobs), len(found.hyper_nodes)) == (6, 3, 1)
    assert found.configuration is not None
    assert found.time is not None


def test_their_order_does_not_matter() -> None:
    found = read(OBJECTS)
    for seed in range(5):
        shuffled = OBJECTS.copy()
        random.Random(seed).shuffle(shuffled)
        assert read(shuffled) == found


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), junk)
def test_an_object_with_anything_anywhere_in_it(place: tuple[int, tuple[Any, ...]], new: Any) -> None:
    number, path = place
    strange = changed(OBJECTS[number], path, new)
    for given_objects in ([strange], [*OBJECTS[:number], strange, *OBJECTS[number + 1 :]]):
        with suppress(YuhengError):
            read(given_objects)
    with suppress(YuhengError):
        read_pod(strange)


@settings(max_examples=200)
@given(junk)
@example({"kind": "List", "items": [{"kind": "PodList", "items": [{"kind": "List"}]}]})
@example("\0")
def test_anything_at_all(data: Any) -> None:
    with suppress(YuhengError):
        read(data)


text_of_pod = json.dumps(pod(), indent=1).encode()
text_of_table = b"sn,cpu_milli,memory_mib,gpu,model\na,1,2,0,\nb,1,2,1,X\n"
text_of_yaml = b"kind: Pod\nmetadata: &m {name: p, labels: {a: 'b'}}\nspec:\n  containers:\n  - {name: c, <<: *m}\n"


@settings(max_examples=400)
@given(
    st.sampled_from([text_of_pod, text_of_table, text_of_yaml, b""]),
    st.integers(0, 200),
    st.integers(0, 30),
    st.binary(max_size=8),
)
def test_a_file_with_anything_anywhere_in_it(
    tmp_path_factory: Any, text: bytes, start: int, length: int, new: bytes
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "strange"
    path.write_bytes(text[:start] + new + text[start + length :])
    with suppress(YuhengError):
        read(path)
