"""The example's services and batch jobs: what keeps the cluster going, a shop, its data and its analysts.

Those that wait were created in the order of these tables. A comment says why a pod of a workload cannot be placed.
"""

from __future__ import annotations

from typing import Final

from yuheng.cli.example.rules import (
    AT_THE_EDGE,
    CLUSTER_CRITICAL,
    NODE_CRITICAL,
    ON_GENERAL,
    ON_MEMORY,
    ON_SPOT,
    ON_T4,
    PRODUCTION,
    apart,
    spread,
)
from yuheng.cli.example.workloads import Workload
from yuheng.model.labels import ZONE

__all__ = ["SERVICES"]

_GPU_NODES: Final = {"nodeSelector": {"nvidia.com/gpu.deploy.device-plugin": "true"}}

_DAEMONS: Final = tuple(
    Workload("DaemonSet", namespace, name, version, "50m", memory, priority=NODE_CRITICAL, spec=spec)
    for namespace, name, version, memory, spec in (
        ("kube-system", "cilium", "1.19.1", "256Mi", {}),
        ("monitoring", "node-exporter", "1.10.2", "64Mi", {}),
        ("gpu-operator", "nvidia-device-plugin", "0.18.2", "128Mi", _GPU_NODES),
        ("volcano-system", "vgpu-device-plugin", "1.10.0", "128Mi", ON_T4),
    )
)
_PLATFORM: Final = (
    Workload("Deployment", "kube-system", "coredns", "1.14.1", "200m", "170Mi", 3, priority=CLUSTER_CRITICAL),
    Workload("Deployment", "kube-system", "metrics-server", "0.8.1", "250m", "500Mi", 2, priority=CLUSTER_CRITICAL),
    Workload("Deployment", "kube-system", "autoscaler", "1.36.0", "200m", "600Mi", 1, priority=CLUSTER_CRITICAL),
    Workload("Deployment", "cert-manager", "cert-manager", "1.20.0", "100m", "256Mi", 1),
    Workload("Deployment", "dns", "external-dns", "0.20.0", "100m", "128Mi", 1),
    Workload("Deployment", "argocd", "argocd-server", "3.3.2", "500m", "512Mi", 2),
    Workload("StatefulSet", "argocd", "application-controller", "3.3.2", "2", "4Gi", 1),
    Workload("Deployment", "volcano-system", "volcano-scheduler", "1.14.0", "500m", "1Gi", 1),
    Workload("StatefulSet", "monitoring", "prometheus", "3.9.1", "4", "16Gi", 2),
    Workload("StatefulSet", "monitoring", "loki", "3.6.4", "2", "8Gi", 3),
    Workload("StatefulSet", "monitoring", "alertmanager", "0.31.0", "100m", "256Mi", 3),
    Workload("Deployment", "monitoring", "grafana", "12.4.0", "500m", "1Gi", 1),
    Workload("Deployment", "monitoring", "otel-collector", "0.147.0", "500m", "2Gi", 3),
)
_SHOP: Final = (
    # A fourth replica finds the host ports taken on all three edge nodes.
    Workload(
        kind="Deployment",
        namespace="ingress",
        name="ingress-nginx",
        version="1.15.0",
        cpu="500m",
        memory="1Gi",
        places=("general-a-1", "general-b-1", "general-c-1", ""),
        priority=PRODUCTION,
        spec=AT_THE_EDGE,
    ),
    Workload("Deployment", "shop", "frontend", "5.12.0", "1", "2Gi", 10, 6, priority=PRODUCTION),
    Workload("Deployment", "shop", "cart", "3.4.1", "1500m", "3Gi", 6, priority=PRODUCTION),
    Workload("Deployment", "shop", "checkout", "8.0.3", "2", "4Gi", 6, 4, priority=PRODUCTION),
    Workload("Deployment", "shop", "catalog", "2.27.0", "2", "4Gi", 8, priority=PRODUCTION),
    Workload(
        kind="Deployment",
        namespace="shop",
        name="payments",
        version="4.1.9",
        cpu="2",
        memory="4Gi",
        running=6,
        priority=PRODUCTION,
        spec=spread("payments"),
    ),
    Workload("Deployment", "shop", "search", "1.19.0", "3", "8Gi", 6, 2, priority=PRODUCTION),
    Workload("Deployment", "shop", "promotions", "0.9.0", "1", "2Gi", 0, 3),
    # The zone is one of another provider: no node has that label.
    Workload(
        kind="Deployment",
        namespace="shop",
        name="geo-cache",
        version="0.3.0",
        cpu="2",
        memory="8Gi",
        waiting=1,
        spec={"nodeSelector": {ZONE: "europe-west1-b"}},
    ),
    # One in each zone, four replicas, three zones.
    Workload(
        kind="Deployment",
        namespace="identity",
        name="keycloak",
        version="26.5.2",
        cpu="500m",
        memory="3Gi",
        places=("general-a-3", "general-b-3", "general-c-3", ""),
        priority=PRODUCTION,
        spec=apart("keycloak"),
    ),
)
_DATA: Final = (
    # postgres-1 had to leave a node that was cordoned; its volume is in that node's zone.
    Workload(
        kind="StatefulSet",
        namespace="data",
        name="postgres",
        version="18.2",
        cpu="8",
        memory="32Gi",
        places=("memory-a-1", "", "memory-c-1"),
        priority=PRODUCTION,
        volumes="abc",
        spec=ON_MEMORY,
    ),
    # A fifth shard has room in zone a only, where there are two already.
    Workload(
        kind="StatefulSet",
        namespace="data",
        name="clickhouse",
        version="26.1",
        cpu="6",
        memory="48Gi",
        places=("memory-a-1", "memory-b-1", "memory-c-1", "memory-a-1", ""),
        priority=PRODUCTION,
        spec={**ON_MEMORY, **spread("clickhouse")},
    ),
    Workload(
        kind="StatefulSet",
        namespace="data",
        name="opensearch",
        version="3.5.0",
        cpu="6",
        memory="128Gi",
        places=("memory-c-1",),
        spec=ON_MEMORY,
    ),
    Workload("StatefulSet", "data", "kafka", "4.2.0", "4", "12Gi", 3),
    Workload("StatefulSet", "data", "redis", "8.4.0", "2", "8Gi", 3),
    Workload("StatefulSet", "analytics", "airflow-worker", "3.1.7", "2", "6Gi", 4),
    Workload("Job", "analytics", "orders-etl", "2026.9", "4", "12Gi", 8),
    Workload("Job", "analytics", "weekly-report", "2026.9", "2", "8Gi", 0, 4),
    # The nodes have sixteen cores, but none has fourteen left.
    Workload("Job", "analytics", "feature-store", "1.8.0", "14", "16Gi", 0, 1, spec=ON_GENERAL),
    Workload("Deployment", "ci", "runner", "2.331.0", "3", "8Gi", 9, 3, pool="spot", spec=ON_SPOT),
)
SERVICES: Final = (*_DAEMONS, *_PLATFORM, *_SHOP, *_DATA)
