"""Workloads for the tests, and a stand-in for the pod reader."""

from __future__ import annotations

import textwrap

import msgspec
import yaml

from yuheng.model.node import Node, Toleration
from yuheng.model.pod import Affinity, OwnerReference, Pod, PodSpec
from yuheng.readers.workloads import missing_pods

SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
REPLICA_SET = """
    kind: ReplicaSet
    metadata: {name: web-5d4, uid: u1}
    spec: {replicas: 3, template: TEMPLATE}
"""
STATEFUL_SET = """
    kind: StatefulSet
    metadata: {name: db, uid: u1}
    spec: {replicas: 3, template: TEMPLATE}
"""
JOB = """
    kind: Job
    metadata: {name: sum, uid: u1}
    spec: {parallelism: 3, completions: 5, template: TEMPLATE}
"""
INDEXED = JOB.replace("spec: {", "spec: {completionMode: Indexed, ")
CRON_JOB = """
        kind: CronJob
        metadata: {name: tidy, uid: c1}
        spec:
          schedule: "*/5 * * * *"
          jobTemplate: {spec: {parallelism: 2, completions: 4, template: TEMPLATE}}
        status: {lastScheduleTime: "2026-01-01T00:05:00Z"}
    """
DAEMON_SET = """
        kind: DaemonSet
        metadata: {name: agent, uid: u1}
        spec: {template: {metadata: {labels: {app: agent}}, spec: SPEC}}
    """


def make_pod(document):
    """A stand-in for the pod reader: the fields that controllers write, and the request of one container."""
    metadata, spec = document["metadata"], document["spec"]
    volumes = spec.get("volumes", [])
    return Pod(
        name=metadata["name"],
        namespace=metadata["namespace"],
        labels=metadata["labels"],
        node=spec.get("nodeName"),
        owner=msgspec.convert(metadata["ownerReferences"][0], OwnerReference),
        spec=PodSpec(
            node_selector=spec.get("nodeSelector", {}),
            affinity=msgspec.convert(spec.get("affinity", {}), Affinity),
            tolerations=msgspec.convert(tuple(spec["tolerations"]), tuple[Toleration, ...]),
            claims=tuple(v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v),
        ),
    )


def load(text):
    """The documents of a YAML text; ``TEMPLATE`` is a small pod template."""
    template = "{metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: web}]}}"
    documents = yaml.safe_load_all(textwrap.dedent(text).replace("TEMPLATE", template))
    return [document for document in documents if document]


def missing(text, pods=(), nodes=(), make=make_pod):
    return missing_pods(load(text), list(pods), list(nodes), make)


def pod(name, kind, owner, *, uid="", labels=None, terminating=False, node="n1", namespace="default", created=0.0):
    return Pod(
        name=name,
        namespace=namespace,
        labels=labels or {"app": "web"},
        node=node,
        owner=OwnerReference(kind, owner, uid, controller=True),
        terminating=terminating,
        created=created,
    )


def node(name, *taints, **labels):
    return Node(name=name, allocatable={}, taints=taints, labels=labels)


def names(pods):
    return [one.name for one in pods]
