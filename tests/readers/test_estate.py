"""What a cluster is paid for: containers, owners, volumes, load balancers, autoscalers, as objects tell of them."""

from __future__ import annotations

import json
import math

import pytest
from made_objects import asking, container, named, node, pod

from yuheng.errors import InputError
from yuheng.model.estate import Autoscaler, Claim, Container, LoadBalancer, Owner
from yuheng.readers import read
from yuheng.readers.estate import estates_of, read_estate

MIB, GIB = 2**20, 2**30


@pytest.fixture
def estate(tmp_path):
    """Read these objects."""

    def reading(*objects):
        path = tmp_path / "objects.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
        return read_estate(path)

    return reading


def owned(kind, name, **labels):
    return {"labels": labels, "ownerReferences": [{"kind": kind, "name": name, "uid": "u", "controller": True}]}


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CPU_TRIGGER = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "55"}}


def cron_job(name):
    job = {"parallelism": 3, "template": {"spec": {"containers": [container()]}}}
    return named("CronJob", name, "batch/v1", spec={"schedule": "@daily", "jobTemplate": {"spec": job}})


def workload(kind, name, version="apps/v1", *, labels=None, containers=(), metadata=None, template=None, **spec):
    pods = {"metadata": {"labels": labels or {"app": name}}, "spec": {"containers": list(containers) or [container()]}}
    pods["spec"].update(template or {})
    selector = {"matchLabels": labels or {"app": name}}
    return named(kind, name, version, metadata=metadata or {}, spec={"selector": selector, "template": pods, **spec})


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, Container(name="c", image="c:1")),
        (
            {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
            Container(name="c", image="c:1", cpu=250, memory=GIB, cpu_limit=2000, memory_limit=2 * GIB),
        ),
        (
            {"limits": {"cpu": "2", "memory": "2Gi"}},
            Container(name="c", image="c:1", cpu=2000, memory=2 * GIB, cpu_limit=2000, memory_limit=2 * GIB),
        ),
        ({"limits": {"nvidia.com/gpu": 2}}, Container(name="c", image="c:1", gpus=2.0)),
        ({"limits": {"alibabacloud.com/gpu-milli": 250}}, Container(name="c", image="c:1", gpus=0.25)),
        (
            {"limits": {"volcano.sh/vgpu-number": 1, "volcano.sh/vgpu-cores": 30}},
            Container(name="c", image="c:1", gpus=0.3),
        ),
    ],
)
def test_a_container_requests_what_it_states_or_its_limit(estate, resources, expected):
    found = estate(pod("p", containers=[container(resources=resources)]))
    assert found.pods["default/p"].containers == (expected,)


def test_a_share_of_a_gpu_by_memory_is_told_by_the_memory_of_its_node(estate):
    labels = {"nvidia.com/gpu.count": "1", "nvidia.com/gpu.memory": "40000"}
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "9", "volcano.sh/vgpu-number": "10"}
    machine = node("n", metadata={"labels": labels}, status={"allocatable": amounts})
    share = asking(limits={"volcano.sh/vgpu-number": 1, "volcano.sh/vgpu-memory": 10000})
    found = estate(machine, pod("p", nodeName="n", containers=[share]))
    assert found.pods["default/p"].containers[0].gpus == 0.25


def test_gpus_of_annotations_are_those_of_the_first_container(estate):
    words = {"annotations": {"alibabacloud.com/gpu-milli": "500", "alibabacloud.com/gpu-count": "1"}}
    found = estate(pod("p", metadata=words, containers=[container("a"), container("b")]))
    assert [one.gpus for one in found.pods["default/p"].containers] == [0.5, 0.0]


def test_sidecars_count_and_other_init_containers_do_not(estate):
    init = [container("first"), asking({"cpu": 1}, name="proxy", restartPolicy="Always")]
    found = estate(pod("p", initContainers=init))
    assert [(one.name, one.sidecar, one.cpu) for one in found.pods["default/p"].containers] == [
        ("proxy", True, 1000),
        ("c", False, 0),
    ]


def test_what_is_requested_for_the_pod_as_a_whole_is_spread_over_containers_that_state_nothing(estate):
    parts = [asking({"cpu": "1"}, name="a"), container("b"), container("d")]
    found = estate(pod("p", containers=parts, resources={"requests": {"cpu": "2", "memory": "3Mi"}}))
    assert [(one.cpu, one.memory) for one in found.pods["default/p"].containers] == [
        (1000, MIB),
        (500, MIB),
        (500, MIB),
    ]


def test_being_killed_for_want_of_memory_and_restarts_are_remembered(estate):
    killed = {"terminated": {"reason": "OOMKilled", "finishedAt": "2026-01-02T03:04:05Z", "exitCode": 137}}
    statuses = [
        {"name": "a", "restartCount": 3, "lastState": killed},
        {"name": "b", "restartCount": 1, "lastState": {"terminated": {"reason": "Error"}}},
        {"name": "d", "restartCount": 0, "state": {"terminated": {"reason": "OOMKilled"}}},
    ]
    parts = [container(name) for name in "abd"]
    found = estate(pod("p", containers=parts, status={"phase": "Running", "containerStatuses": statuses}))
    assert [(one.restarts, one.out_of_memory) for one in found.pods["default/p"].containers] == [
        (3, 1767323045.0),
        (1, None),
        (0, 0.0),
    ]


MAXIMUM = "-XX:MaxRAMPercentage="


@pytest.mark.parametrize(
    ("parts", "heap", "share"),
    [
        ({"args": ["-Xmx512m", "-jar", "a.jar"]}, 512 * MIB, None),
        ({"command": ["java", "-Xmx2G"]}, 2 * GIB, None),
        ({"command": ["sh", "-c", "exec java -Xmx1g -jar /a.jar"]}, GIB, None),
        ({"args": ["-XX:MaxHeapSize=1048576"]}, MIB, None),
        ({"env": [{"name": "JAVA_TOOL_OPTIONS", "value": MAXIMUM + "75.0"}]}, None, 0.75),
        ({"env": [{"name": "JAVA_OPTS", "value": f"'{MAXIMUM}60'"}]}, None, 0.6),
        ({"env": [{"name": "ES_JAVA_OPTS", "value": "-Xms1g -Xmx1g"}]}, GIB, None),
        ({"env": [{"name": "JDK_JAVA_OPTIONS", "value": "-Xmx1g"}], "args": ["-Xmx2g"]}, 2 * GIB, None),
        ({"env": [{"name": "_JAVA_OPTIONS", "value": "-Xmx1g"}], "args": ["-Xmx2g"]}, GIB, None),
        ({"env": [{"name": "HEAP", "value": "3g"}], "args": ["-Xmx$(HEAP)"]}, 3 * GIB, None),
        ({"env": [{"name": "HEAP", "value": "3g"}], "command": ["sh", "-c", "java -Xmx${HEAP}"]}, 3 * GIB, None),
        ({"env": [{"name": "JAVA_OPTS", "value": MAXIMUM + "50"}], "args": ["-Xmx1g"]}, GIB, None),
        ({"args": ["-XX:MaxRAMFraction=4"]}, None, 0.25),
        ({"args": ["-XX:MaxRAMPercentage=250"]}, None, 1.0),
        ({"args": ["-Xmx$(UNKNOWN)", "-Xmxlots", "--note=-Xmx1g"]}, None, None),
        ({"env": [{"name": "JAVA_OPTS", "valueFrom": {"secretKeyRef": {"name": "-Xmx1g"}}}]}, None, None),
        ({"env": [{"name": "NOTE", "value": "-Xmx1g"}]}, None, None),
    ],
)
def test_the_heap_of_a_java_machine_is_read_off_its_flags(estate, parts, heap, share):
    (found,) = estate(pod("p", containers=[container(**parts)])).pods["default/p"].containers
    assert (found.heap, found.heap_share) == (heap, share)


@pytest.mark.parametrize(
    ("metadata", "others", "owner"),
    [
        ({}, [], Owner()),
        (owned("ReplicaSet", "web-7d9f", **{"pod-template-hash": "7d9f"}), [], Owner("Deployment", "web")),
        (owned("ReplicaSet", "web-7d9f", **{"rollouts-pod-template-hash": "7d9f"}), [], Owner("Rollout", "web")),
        (owned("ReplicaSet", "web-7d9f"), [], Owner("ReplicaSet", "web-7d9f")),
        (
            owned("ReplicaSet", "odd"),
            [named("ReplicaSet", "odd", "apps/v1", metadata=owned("Deployment", "shop"))],
            Owner("Deployment", "shop"),
        ),
        (
            owned("ReplicaSet", "web-7d9f", **{"pod-template-hash": "7d9f"}),
            [named("ReplicaSet", "web-7d9f", "apps/v1")],
            Owner("ReplicaSet", "web-7d9f"),
        ),
        (owned("Job", "backup-29012345"), [], Owner("CronJob", "backup")),
        (owned("Job", "import"), [], Owner("Job", "import")),
        (
            owned("Job", "x"),
            [named("Job", "x", "batch/v1", metadata=owned("CronJob", "nightly"), spec={"suspend": True})],
            Owner("CronJob", "nightly"),
        ),
        (owned("StatefulSet", "db"), [], Owner("StatefulSet", "db")),
    ],
)
def test_the_owner_is_the_controller_that_people_know(estate, metadata, others, owner):
    others = [
        {**one, "spec": {"replicas": 0, "selector": {}, "template": {"spec": {}}, **one.get("spec", {})}}
        for one in others
    ]
    assert estate(pod("p", metadata=metadata), *others).pods["default/p"].owner == owner


@pytest.mark.parametrize(
    ("metadata", "queue"),
    [
        ({"annotations": {"scheduling.volcano.sh/queue-name": "gold"}}, "gold"),
        ({"annotations": {"volcano.sh/queue-name": "silver"}}, "silver"),
        ({"labels": {"kueue.x-k8s.io/queue-name": "team-a"}}, "team-a"),
        ({}, ""),
    ],
)
def test_the_queue_of_a_pod_is_the_one_it_names(estate, metadata, queue):
    assert estate(pod("p", metadata=metadata)).pods["default/p"].queue == queue


def test_a_workload_is_told_with_its_template_whether_or_not_it_runs(estate):
    deployment = workload(
        "Deployment", "web", containers=[asking({"cpu": "1"})], replicas=3,
        metadata={
            "namespace": "shop",
            "labels": {"app": "other", "team": "a"},
            "annotations": {"note": "x", LAST_APPLIED: "{}"},
        },
        template={"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "disk"}}]},
    )  # fmt: skip
    found = estate(deployment)
    (web,) = found.workloads
    assert (web.key, web.replicas, web.uses, web.source.endswith("objects.json")) == (
        "Deployment shop/web",
        3,
        ("disk",),
        True,
    )
    assert (web.labels, web.annotations) == ({"app": "web", "team": "a"}, {"note": "x"})
    pods = list(found.pods.values())
    assert len(pods) == 3
    assert {one.owner for one in pods} == {Owner("Deployment", "web")}
    assert {one.containers for one in pods} == {web.containers}


@pytest.mark.parametrize(
    ("made", "replicas"),
    [
        (workload("Deployment", "w"), 1),
        (workload("StatefulSet", "w", replicas=0), 0),
        (workload("DaemonSet", "w"), None),
        (workload("ReplicaSet", "w", replicas=2), 2),
        (workload("Job", "w", "batch/v1", parallelism=4, completions=2), 2),
        (workload("Job", "w", "batch/v1", parallelism=4, suspend=True), 0),
        (cron_job("w"), 3),
        (pod("w"), 1),
    ],
)  # fmt: skip
def test_a_workload_wants_as_many_replicas_as_its_kind_says(estate, made, replicas):
    (found,) = estate(made).workloads
    assert (found.kind, found.replicas) == (made["kind"], replicas)
    assert found.containers == (Container(name="c", image="c:1"),)


def test_each_task_of_a_volcano_job_is_a_workload(estate):
    template = {"spec": {"containers": [container()]}}
    tasks = [
        {"name": "ps", "replicas": 1, "template": template},
        {"name": "worker", "replicas": 4, "template": template},
    ]
    found = estate(named("Job", "train", "batch.volcano.sh/v1alpha1", spec={"minAvailable": 1, "tasks": tasks}))
    assert [(one.key, one.replicas) for one in found.workloads] == [
        ("Job.batch.volcano.sh default/train/ps", 1),
        ("Job.batch.volcano.sh default/train/worker", 4),
    ]
    assert len(found.pods) == 5
    assert all(one.containers[0].name == "c" for one in found.pods.values())


def test_what_a_controller_made_is_no_workload_of_its_own(estate):
    deployment = workload("Deployment", "web", replicas=1)
    hashed = {"app": "web", "pod-template-hash": "1"}
    replica_set = workload("ReplicaSet", "web-1", labels=hashed, replicas=1, metadata=owned("Deployment", "web"))
    running = pod("web-1-x", metadata=owned("ReplicaSet", "web-1", **hashed))
    found = estate(deployment, replica_set, running)
    assert [one.key for one in found.workloads] == ["Deployment default/web"]


def test_finished_pods_are_not_part_of_it(estate):
    found = estate(pod("done", status={"phase": "Succeeded"}), pod("runs"))
    assert (list(found.pods), [one.name for one in found.workloads]) == (["default/runs"], ["runs"])


def test_claims_have_the_size_of_their_volume_then_of_their_status_then_what_they_ask_for(estate):
    def claim(name, status=None, **spec):
        body = {"resources": {"requests": {"storage": "1Gi"}}, **spec}
        return named("PersistentVolumeClaim", name, spec=body, **({"status": status} if status else {}))

    volume = named("PersistentVolume", "pv", spec={"capacity": {"storage": "3Gi"}, "storageClassName": "fast"})
    found = estate(
        volume,
        claim("a"),
        claim("b", {"capacity": {"storage": "2Gi"}}, storageClassName="slow"),
        claim("d", {"capacity": {"storage": "2Gi"}}, volumeName="pv"),
    )
    assert found.claims == (
        Claim(namespace="default", name="a", size=GIB),
        Claim(namespace="default", name="b", size=2 * GIB, storage_class="slow"),
        Claim(namespace="default", name="d", size=3 * GIB, storage_class="fast"),
    )


def test_templates_of_claims_belong_to_their_workload(estate):
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    scratch = {"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": template["spec"]}}}
    found = estate(
        workload("StatefulSet", "db", replicas=2, volumeClaimTemplates=[template], template={"volumes": [scratch]})
    )
    assert [(one.name, one.size) for one in found.workloads[0].claims] == [("data", 5 * GIB), ("tmp", 5 * GIB)]
    assert found.pods["default/db-1"].claims == ("data-db-1", "db-1-tmp")


def test_only_services_of_type_load_balancer_are_paid_for(estate):
    found = estate(
        named("Service", "a", spec={"type": "LoadBalancer", "selector": {"app": "web"}}),
        named("Service", "b", spec={"selector": {"app": "web"}}),
    )
    assert found.balancers == (LoadBalancer(namespace="default", name="a", selector={"app": "web"}),)


TARGET = {"kind": "Deployment", "name": "web"}
UTILIZED = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}


def hpa(version="autoscaling/v2", **spec):
    return named("HorizontalPodAutoscaler", "h", version, spec={"scaleTargetRef": TARGET, "maxReplicas": 9, **spec})


def scaled(**spec):
    return named("ScaledObject", "k", "keda.sh/v1alpha1", spec={"scaleTargetRef": {"name": "web"}, **spec})


@pytest.mark.parametrize(
    ("made", "minimum", "maximum", "utilization"),
    [
        (hpa(), 1, 9, {"cpu": 0.8}),
        (hpa(minReplicas=2, metrics=[{"type": "Resource", "resource": UTILIZED}]), 2, 9, {"cpu": 0.7}),
        (hpa(metrics=[{"type": "ContainerResource", "containerResource": UTILIZED}]), 1, 9, {"cpu": 0.7}),
        (hpa(metrics=[{"type": "Pods", "pods": {"metric": {"name": "rps"}}}]), 1, 9, {}),
        (hpa("autoscaling/v1", targetCPUUtilizationPercentage=60), 1, 9, {"cpu": 0.6}),
        (scaled(), 0, 100, {}),
        (
            scaled(minReplicaCount=2, maxReplicaCount=20, triggers=[CPU_TRIGGER, {"type": "kafka", "metadata": {}}]),
            2,
            20,
            {"cpu": 0.55},
        ),
    ],
)  # fmt: skip
def test_autoscalers_say_how_far_they_go(estate, made, minimum, maximum, utilization):
    assert estate(made).autoscalers == (
        Autoscaler(
            namespace="default",
            name=made["metadata"]["name"],
            target=Owner("Deployment", "web"),
            minimum=minimum,
            maximum=maximum,
            utilization=utilization,
        ),
    )


def test_a_scaled_object_counts_before_the_autoscaler_that_it_made(estate):
    for objects in ((hpa(), scaled()), (scaled(), hpa())):
        assert [one.name for one in estate(*objects).autoscalers] == ["k"]


def test_namespaces_are_told_with_labels_and_annotations(estate):
    found = estate(named("Namespace", "shop", metadata={"labels": {"team": "a"}, "annotations": {"owner": "b"}}))
    assert found.namespaces["shop"]["team"] == "a"
    assert found.annotations == {"shop": {"owner": "b"}}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (workload("Deployment", "web", containers=[asking({"cpu": "much"})]), ("Deployment default/web", "'much'")),
        (hpa(maxReplicas=0), ("HorizontalPodAutoscaler default/h", "spec.maxReplicas", "1 to 0 replicas")),
        (named("HorizontalPodAutoscaler", "h", "autoscaling/v2", spec={"maxReplicas": 1}), ("spec", "scaleTargetRef")),
        (hpa(scaleTargetRef={"kind": "Deployment"}), ("spec.scaleTargetRef.name",)),
        (
            named("PersistentVolumeClaim", "d", spec={"resources": {"requests": {"storage": "big"}}}),
            ("PersistentVolumeClaim default/d", "spec.resources.requests.storage", "'big'"),
        ),
        (named("Service", "s", spec={"type": 5}), ("Service default/s", "spec.type", "5")),
    ],
)
def test_an_object_that_is_not_what_it_should_be_is_named(estate, made, words):
    with pytest.raises(InputError) as error:
        estate(made)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_a_fleet_has_an_estate_for_each_cluster(tmp_path):
    for name in ("east", "west"):
        (tmp_path / f"{name}-state.json").write_text(
            json.dumps([node(f"{name}-n"), pod(name, nodeName=f"{name}-n", metadata={"annotations": {"a": name}})])
        )
        cluster = {"apiVersion": "yuheng.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}}
        (tmp_path / f"{name}.json").write_text(json.dumps({**cluster, "spec": {"manifests": [f"{name}-state.json"]}}))
    found = estates_of(tmp_path)
    assert found.fleet is not None
    assert [(one.cluster, list(one.pods)) for one in found.estates] == [
        ("east", ["default/east"]),
        ("west", ["default/west"]),
    ]
    assert found.estates[0].pods["default/east"].annotations == {"a": "east"}


def test_one_cluster_is_one_estate(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([node("n"), pod("p", nodeName="n")]))
    found = estates_of(tmp_path / "a.json")
    assert (found.fleet, [list(one.pods) for one in found.estates]) == (None, [["default/p"]])


@pytest.mark.shared_data
def test_the_cluster_of_500_nodes_is_the_same_to_money_as_to_scheduling(shared):
    path = shared / "data/kubernetes/cluster-500-nodes.json.gz"
    found = read_estate(path)
    assert found.snapshot == read(path)
    assert list(found.pods) == [one.key for one in found.snapshot.pods]
    for one in found.snapshot.pods:
        parts = found.pods[one.key].containers
        assert sum(part.cpu for part in parts) == one.spec.requests.get("cpu", 0)
        assert sum(part.memory for part in parts) == one.spec.requests.get("memory", 0)
        assert math.isclose(sum(part.gpus for part in parts), one.spec.devices.count * one.spec.devices.milli / 1000)


@pytest.mark.shared_data
def test_a_row_of_a_trace_is_one_container(shared):
    folder = shared / "data/openb"
    found = read_estate(folder / "openb_node_list_gpu_node.csv", folder / "openb_pod_list_gpushare40.csv")
    assert len(found.pods) == 8152
    assert {len(one.containers) for one in found.pods.values()} == {1}
