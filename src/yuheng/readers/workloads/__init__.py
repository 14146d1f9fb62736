"""Workloads -> the pods their controllers would create.

A what-if starts from manifests as often as from running pods: a Deployment of 40 replicas of which nothing
runs yet, a DaemonSet that is new to half of the nodes. The controllers of Kubernetes turn such objects into
pods; this package does what they would do next, as far as the objects alone tell it: no clock, no randomness.

    missing_pods ── one look at everything ──> Scene (objects, existing pods, nodes)
         │
         ├── replicas   Deployment, ReplicaSet, StatefulSet
         ├── jobs       Job, CronJob
         └── daemons    DaemonSet
                └── each names its pods and presses them from its template (`template`)
"""

from __future__ import annotations

from yuheng.readers.workloads.fields import subject_in
from yuheng.readers.workloads.missing import WORKLOAD_KINDS, missing_pods

__all__ = ["WORKLOAD_KINDS", "missing_pods", "subject_in"]
