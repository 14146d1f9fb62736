"""What is kept of each kind is what the readers decode: a field that one of them learns to read is not forgotten."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from yuheng.kubernetes.capture.fields import ANNOTATIONS, kept
from yuheng.kubernetes.capture.trees import WHOLE, Each, Values, cutter
from yuheng.readers import wire
from yuheng.readers.batch import annotations as batch_annotations
from yuheng.readers.batch import kueue_jobs, kueue_queues
from yuheng.readers.batch import wire as batch_wire
from yuheng.readers.estate import wire as estate_wire
from yuheng.readers.focus import identities
from yuheng.readers.workloads import daemons, fields, rollouts

# Every type that decodes an object of the kind.
READERS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "namespaces": (wire.NamespaceObject, estate_wire.NamespaceObject),
    "nodes": (wire.NodeObject, identities._Node),
    "pods": (wire.PodObject, estate_wire.PodObject),
    "services": (wire.Service, estate_wire.ServiceObject),
    "replicationcontrollers": (wire.Service,),
    "persistentvolumes": (wire.VolumeObject, estate_wire.VolumeObject),
    "persistentvolumeclaims": (wire.Claim, estate_wire.ClaimObject),
    "poddisruptionbudgets.policy": (wire.Budget,),
    "priorityclasses.scheduling.k8s.io": (wire.PriorityClass,),
    "deployments.apps": (fields.Deployment,),
    "replicasets.apps": (fields.ReplicaSet, wire.Selecting),
    "statefulsets.apps": (fields.StatefulSet, wire.Selecting),
    "daemonsets.apps": (fields.DaemonSet,),
    "jobs.batch": (fields.Job, kueue_jobs.BatchJob),
    "cronjobs.batch": (fields.CronJob,),
    "horizontalpodautoscalers.autoscaling": (estate_wire.AutoscalerObject,),
    "scaledobjects.keda.sh": (estate_wire.ScaledObject,),
    "jobs.batch.volcano.sh": (batch_wire.VolcanoJob, estate_wire.VolcanoJob),
    "podgroups.scheduling.volcano.sh": (batch_wire.PodGroupObject,),
    "queues.scheduling.volcano.sh": (batch_wire.QueueObject,),
    "hypernodes.topology.volcano.sh": (batch_wire.HyperNodeObject,),
    "clusterqueues.kueue.x-k8s.io": (kueue_queues.ClusterQueueObject,),
    "cohorts.kueue.x-k8s.io": (kueue_queues.CohortObject,),
    "localqueues.kueue.x-k8s.io": (kueue_queues.LocalQueueObject,),
}
# What readers decode and a capture leaves out on purpose.
LEFT_OUT = ("env", "command", "args")


def paths(kind: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The fields that a type decodes: names, ``[]`` for the items of a list, ``*`` for the values of a map."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        for part in parts:
            yield from paths(part, place)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
        for name, written in names:
            inner = list(paths(hints[name], (*place, written)))
            yield from inner or [(*place, written)]
    elif origin in (tuple, list):
        yield from paths(parts[0], (*place, "[]"))
    elif origin is dict:
        yield from paths(parts[1], (*place, "*"))


def is_kept(tree: Any, path: tuple[str, ...]) -> bool:
    if tree is WHOLE or not path:
        return True
    if isinstance(tree, Each | Values):
        return is_kept(tree.fields, path[1:]) if path[0] in ("[]", "*") else is_kept(tree.fields, path)
    if path == ("*",):
        return True
    return path[0] in tree and is_kept(tree[path[0]], path[1:])


@pytest.mark.parametrize("name", READERS)
def test_every_field_that_is_read_is_kept(name: str) -> None:
    tree = {"kind": WHOLE, "apiVersion": WHOLE, **kept()[name]}
    found = {path for kind in READERS[name] for path in paths(kind)}
    assert len(found) > 2
    missing = sorted(".".join(path) for path in found if not is_left_out(path) and not is_kept(tree, path))
    assert missing == []


def is_left_out(path: tuple[str, ...]) -> bool:
    if "volumeClaimTemplates" in path and "metadata" in path:
        # It is decoded as the metadata of any object; what is looked at is its name.
        return path[-2:] != ("metadata", "name")
    # Of annotations, only those that have a name here.
    return path[-1] == "annotations" or path[-2:] == ("annotations", "*") or any(part in LEFT_OUT for part in path)


def test_every_field_of_workloads_that_costs_money_is_kept_of_some_kind() -> None:
    trees = [tree for name, tree in kept().items() if "template" in tree.get("spec", ()) or name == "cronjobs.batch"]
    missing = [
        ".".join(path)
        for path in paths(estate_wire.WorkloadObject)
        if not is_left_out(path) and not any(is_kept(tree, path) for tree in trees)
    ]
    assert missing == []


def test_every_kind_is_looked_at() -> None:
    assert set(READERS) == set(kept())


def test_templates_of_pods_keep_what_pods_keep() -> None:
    pod = kept()["pods"]["spec"]
    for name, *way in (
        ("deployments.apps", "spec", "template", "spec"),
        ("cronjobs.batch", "spec", "jobTemplate", "spec", "template", "spec"),
    ):
        tree: Any = kept()[name]
        for step in way:
            tree = tree[step]
        assert tree == pod


def test_every_annotation_that_is_read_is_kept() -> None:
    named = set(wire.Annotations.__struct_encode_fields__)
    named |= {rollouts.REVISION, daemons.GENERATION, *batch_annotations.WAITING_TIMES}
    for word in ("PREEMPTABLE", "REVOCABLE_ZONE", "BUDGET_LEAST", "BUDGET_MOST", "TOGETHER", "APART", "ORDER"):
        named.add(getattr(batch_annotations, word))
    assert named <= set(ANNOTATIONS)


def test_what_is_not_named_is_cut_off() -> None:
    cut = cutter({"metadata": {"name": WHOLE}, "list": Each({"a": WHOLE}), "map": Values({"b": WHOLE})}, "Thing", "v1")
    text = b'{"kind": "?", "metadata": {"name": "n", "x": 1}, "list": [{"a": [1, {"z": 2}], "c": 3}, {}], '
    text += b'"map": {"k k": {"b": null, "d": 4}}, "more": {"deep": [1]}}'
    assert msgspec.json.decode(cut(text)) == {
        "kind": "Thing",
        "apiVersion": "v1",
        "metadata": {"name": "n"},
        "list": [{"a": [1, {"z": 2}]}, {}],
        "map": {"k k": {"b": None}},
    }


@pytest.mark.parametrize("text", [b"7", b"[]", b'{"list": 7}', b'{"metadata": "x"}', b"{"])
def test_what_is_no_such_object_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        cutter({"metadata": {"name": WHOLE}, "list": Each({"a": WHOLE})}, "Thing", "v1")(text)
