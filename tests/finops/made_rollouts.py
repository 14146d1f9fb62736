"""Clusters and versions of manifests for tests of whether a change fits: as objects of Kubernetes, read as ever."""

from __future__ import annotations

import json

from yuheng.finops.change.growth import node_kinds
from yuheng.model.node_price import NodePrice
from yuheng.readers import read
from yuheng.readers.versions import read_version

INSTANCE_TYPE = "node.kubernetes.io/instance-type"


def node(name, cpu=4, gib=16, kind="", taints=()):
    labels = {"kubernetes.io/hostname": name, **({INSTANCE_TYPE: kind} if kind else {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": list(taints)},
        "status": {"allocatable": {"cpu": str(cpu), "memory": f"{gib}Gi", "pods": "110"}},
    }


def template(cpu, gib, labels, **spec):
    requests = {"cpu": str(cpu), "memory": f"{gib}Gi"}
    container = {"name": "main", "image": "app:1", "resources": {"requests": requests}}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}}


def deployment(name="web", replicas=2, cpu="1", gib=1, namespace="shop", **spec):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template(cpu, gib, labels, **spec),
        },
    }


def daemon_set(name="agent", cpu="1", gib=1, namespace="shop"):
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": template(cpu, gib, labels)}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def autoscaler(minimum, maximum, name="web", namespace="shop"):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": minimum, "maxReplicas": maximum},
    }


def running(name, on, cpu="1", gib=1, *, owner="web", kind="ReplicaSet", namespace="shop"):
    """A pod of a Deployment (its ReplicaSet ends in ``-1a``), or of a controller of another kind."""
    is_rolled = kind == "ReplicaSet"
    labels = {"app": owner, **({"pod-template-hash": "1a"} if is_rolled else {})}
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": f"{owner}-1a" if is_rolled else owner}
    made = template(cpu, gib, labels)
    made["spec"]["nodeName"] = on
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    metadata["ownerReferences"] = [{**reference, "uid": f"uid-{owner}", "controller": True}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


def written(folder, name, *objects):
    """A version: a file of these objects, read."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}), encoding="utf-8")
    return read_version(path)


def tried(folder, cluster, base, head, prices=None, pools=()):
    """What `fits` needs to know: the state, both versions on its nodes, and the kinds of nodes there are."""
    snapshot = read(cluster)
    priced = {
        one.name: NodePrice(node=one.name, per_hour=prices[one.labels.get(INSTANCE_TYPE, "")], cpu=0, memory=0, gpu=0)
        for one in (snapshot.nodes if prices else ())
    }
    versions = [
        written(folder, name, *objects).estate(snapshot.nodes) for name, objects in (("base", base), ("head", head))
    ]
    return snapshot, *versions, node_kinds(snapshot.nodes, priced, pools)
