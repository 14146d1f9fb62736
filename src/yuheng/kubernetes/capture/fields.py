"""What is written of each kind: the fields that the readers of this project decode, and no other.

Environments, command lines, probes, mounts, ConfigMaps and Secrets that a pod refers to, managed fields, statuses that
nobody reads: what is not named here never leaves the cluster. Annotations are written by name only; people keep
anything in them. A test holds these trees to the readers: a field that one of them decodes is here, or is told to be
left out on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from yuheng.errors import ConfigError
from yuheng.kubernetes.capture.trees import WHOLE, Each, Fields, Values

__all__ = ["ANNOTATIONS", "CONFIGURATION", "LAST_APPLIED", "check_annotations", "kept"]

# Annotations that the readers look at, on whatever object.
ANNOTATIONS: Final = (
    "alibabacloud.com/gpu-card-model",
    "alibabacloud.com/gpu-count",
    "alibabacloud.com/gpu-index",
    "alibabacloud.com/gpu-milli",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "kueue.x-k8s.io/pod-group-total-count",
    "scheduling.k8s.io/group-name",
    "scheduling.volcano.sh/group-name",
    "scheduling.volcano.sh/queue-name",
    "sla-waiting-time",
    "volcano.sh/gpu-index",
    "volcano.sh/jdb-max-unavailable",
    "volcano.sh/jdb-min-available",
    "volcano.sh/job-name",
    "volcano.sh/node-vgpu-register",
    "volcano.sh/preemptable",
    "volcano.sh/queue-name",
    "volcano.sh/revocable-zone",
    "volcano.sh/sla-waiting-time",
    "volcano.sh/task-spec",
    "volcano.sh/task-topology-affinity",
    "volcano.sh/task-topology-anti-affinity",
    "volcano.sh/task-topology-task-order",
    "yuheng.io/running-estimate",
)
# The whole object as somebody wrote it: with its environment, its command lines, its data.
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
# The kind whose text is cut by hand: of a ConfigMap only a scheduler's configuration is kept.
CONFIGURATION: Final = "configmaps"

_NAMED: Final[Fields] = {"name": WHOLE, "namespace": WHOLE}
_SELECTOR: Final[Fields] = {"selector": WHOLE}
_CLAIM_SPEC: Final[Fields] = {"resources": {"requests": WHOLE}, "storageClassName": WHOLE, "volumeName": WHOLE}
_CLAIM: Final[Fields] = {"metadata": _NAMED, "spec": _CLAIM_SPEC}
_CONTAINER: Final = Each({"name": WHOLE, "image": WHOLE, "restartPolicy": WHOLE, "resources": WHOLE, "ports": WHOLE})
_VOLUME: Final[Fields] = {
    "name": WHOLE,
    "persistentVolumeClaim": {"claimName": WHOLE},
    "ephemeral": {"volumeClaimTemplate": _CLAIM},
    "image": {"reference": WHOLE},
}
_POD_SPEC: Final[Fields] = {
    "nodeName": WHOLE,
    "nodeSelector": WHOLE,
    "affinity": WHOLE,
    "tolerations": WHOLE,
    "topologySpreadConstraints": WHOLE,
    "containers": _CONTAINER,
    "initContainers": _CONTAINER,
    "overhead": WHOLE,
    "resources": WHOLE,
    "hostNetwork": WHOLE,
    "volumes": Each(_VOLUME),
    "schedulingGates": WHOLE,
    "priority": WHOLE,
    "priorityClassName": WHOLE,
    "preemptionPolicy": WHOLE,
    "activeDeadlineSeconds": WHOLE,
}
_STATE: Final[Fields] = {"terminated": {"reason": WHOLE, "finishedAt": WHOLE}}
_CONTAINER_STATUS: Final = Each(
    {
        "name": WHOLE,
        "allocatedResources": WHOLE,
        "resources": WHOLE,
        "restartCount": WHOLE,
        "state": _STATE,
        "lastState": _STATE,
    }
)
_POD_STATUS: Final[Fields] = {
    "phase": WHOLE,
    "startTime": WHOLE,
    "conditions": Each({"type": WHOLE, "reason": WHOLE}),
    "containerStatuses": _CONTAINER_STATUS,
    "initContainerStatuses": _CONTAINER_STATUS,
}
_QUOTAS: Final[Fields] = {
    "resourceGroups": Each({"flavors": Each({"name": WHOLE, "resources": WHOLE})}),
    "fairSharing": WHOLE,
}
_RESOURCE_METRIC: Final[Fields] = {
    "name": WHOLE,
    "target": {"averageUtilization": WHOLE},
    "targetAverageUtilization": WHOLE,
}
_TARGET: Final[Fields] = {"kind": WHOLE, "name": WHOLE}


def check_annotations(names: Iterable[str]) -> None:
    """Refuse annotations that hold what is never written.

    Raises:
        ConfigError: one of them does.
    """
    if LAST_APPLIED in names:
        raise ConfigError(
            f"--annotation {LAST_APPLIED}: found the one that holds whole objects, environments and all, "
            "expected another annotation"
        )


def kept(annotations: Iterable[str] = ()) -> Mapping[str, Fields]:
    """The fields that are kept, by the name of the kind (`yuheng.kubernetes.api.KINDS`).

    Args:
        annotations: that are kept beside those that the readers look at.
    """
    words: Fields = dict.fromkeys((*ANNOTATIONS, *annotations), WHOLE)
    owned: Fields = {
        **_NAMED,
        "generateName": WHOLE,
        "uid": WHOLE,
        "labels": WHOLE,
        "annotations": words,
        "ownerReferences": WHOLE,
        "creationTimestamp": WHOLE,
        "deletionTimestamp": WHOLE,
    }
    return {**_core(owned), **_workloads(owned), **_batch(owned)}


def _core(owned: Fields) -> dict[str, Fields]:
    """What a scheduler looks at of Kubernetes itself, and what costs money beside pods and nodes."""
    return {
        "namespaces": {"metadata": owned},
        "priorityclasses.scheduling.k8s.io": {
            "metadata": owned,
            "value": WHOLE,
            "globalDefault": WHOLE,
            "preemptionPolicy": WHOLE,
        },
        "services": {"metadata": owned, "spec": {"type": WHOLE, **_SELECTOR}},
        "poddisruptionbudgets.policy": {
            "metadata": owned,
            "spec": _SELECTOR,
            "status": {"disruptionsAllowed": WHOLE},
        },
        "persistentvolumes": {
            "metadata": owned,
            "spec": {"capacity": WHOLE, "storageClassName": WHOLE, "nodeAffinity": WHOLE},
        },
        "persistentvolumeclaims": {
            "metadata": owned,
            "spec": _CLAIM_SPEC,
            "status": {"capacity": WHOLE, "storageClassName": WHOLE},
        },
        "nodes": {
            "metadata": owned,
            "spec": {"taints": WHOLE, "unschedulable": WHOLE, "providerID": WHOLE},
            "status": {
                "allocatable": WHOLE,
                "capacity": WHOLE,
                "conditions": Each({"type": WHOLE, "status": WHOLE, "lastHeartbeatTime": WHOLE}),
                "images": WHOLE,
            },
        },
        "pods": {"metadata": owned, "spec": _POD_SPEC, "status": _POD_STATUS},
    }


def _workloads(owned: Fields) -> dict[str, Fields]:
    """What makes pods, and what scales it."""
    template: Fields = {"metadata": owned, "spec": _POD_SPEC}
    replicated: Fields = {"replicas": WHOLE, **_SELECTOR, "template": template}
    job: Fields = {
        "parallelism": WHOLE,
        "completions": WHOLE,
        "completionMode": WHOLE,
        "suspend": WHOLE,
        "manualSelector": WHOLE,
        "managedBy": WHOLE,
        "podFailurePolicy": {},
        "podReplacementPolicy": WHOLE,
        "activeDeadlineSeconds": WHOLE,
        "template": template,
    }
    status: Fields = {
        "succeeded": WHOLE,
        "completedIndexes": WHOLE,
        "failedIndexes": WHOLE,
        "conditions": Each({"type": WHOLE, "status": WHOLE}),
    }
    metric: Fields = {"type": WHOLE, "resource": _RESOURCE_METRIC, "containerResource": _RESOURCE_METRIC}
    return {
        "replicationcontrollers": {"metadata": owned, "spec": replicated},
        "deployments.apps": {"metadata": owned, "spec": replicated},
        "replicasets.apps": {"metadata": owned, "spec": replicated},
        "daemonsets.apps": {"metadata": owned, "spec": {**_SELECTOR, "template": template}},
        "statefulsets.apps": {
            "metadata": owned,
            "spec": {**replicated, "ordinals": {"start": WHOLE}, "volumeClaimTemplates": Each(_CLAIM)},
            "status": {"updateRevision": WHOLE},
        },
        "jobs.batch": {"metadata": owned, "spec": job, "status": status},
        "cronjobs.batch": {
            "metadata": owned,
            "spec": {"suspend": WHOLE, "jobTemplate": {"metadata": owned, "spec": job}},
            "status": {"active": Each(_NAMED), "lastScheduleTime": WHOLE},
        },
        "horizontalpodautoscalers.autoscaling": {
            "metadata": owned,
            "spec": {
                "scaleTargetRef": _TARGET,
                "minReplicas": WHOLE,
                "maxReplicas": WHOLE,
                "metrics": Each(metric),
                "targetCPUUtilizationPercentage": WHOLE,
            },
        },
        "scaledobjects.keda.sh": {
            "metadata": owned,
            "spec": {
                "scaleTargetRef": _TARGET,
                "minReplicaCount": WHOLE,
                "maxReplicaCount": WHOLE,
                # Of what it asks for its metrics only what a trigger on cpu and memory says.
                "triggers": Each({"type": WHOLE, "metricType": WHOLE, "metadata": {"type": WHOLE, "value": WHOLE}}),
            },
        },
    }


def _batch(owned: Fields) -> dict[str, Fields]:
    """Queues, groups and jobs of Volcano and of Kueue."""
    task: Fields = {
        "name": WHOLE,
        "replicas": WHOLE,
        "minAvailable": WHOLE,
        "dependsOn": WHOLE,
        "partitionPolicy": WHOLE,
        "template": {"metadata": owned, "spec": _POD_SPEC},
    }
    return {
        "jobs.batch.volcano.sh": {
            "metadata": owned,
            "spec": {
                "minAvailable": WHOLE,
                "tasks": Each(task),
                "volumes": Each({"volumeClaimName": WHOLE}),
                "queue": WHOLE,
                "priorityClassName": WHOLE,
                "runningEstimate": WHOLE,
                "networkTopology": WHOLE,
            },
            "status": {"state": {"phase": WHOLE}, "taskStatusCount": Values({"phase": WHOLE})},
        },
        "podgroups.scheduling.volcano.sh": {
            "metadata": owned,
            "spec": {
                "minMember": WHOLE,
                "minTaskMember": WHOLE,
                "minResources": WHOLE,
                "queue": WHOLE,
                "priorityClassName": WHOLE,
                "networkTopology": WHOLE,
                "subGroupPolicy": WHOLE,
            },
            "status": {"phase": WHOLE, "succeeded": WHOLE},
        },
        "queues.scheduling.volcano.sh": {
            "metadata": owned,
            "spec": {
                "weight": WHOLE,
                "capability": WHOLE,
                "guarantee": WHOLE,
                "deserved": WHOLE,
                "reclaimable": WHOLE,
                "priority": WHOLE,
                "parent": WHOLE,
                "dequeueStrategy": WHOLE,
                "affinity": WHOLE,
            },
            "status": {"state": WHOLE},
        },
        "hypernodes.topology.volcano.sh": {
            "metadata": owned,
            "spec": {"tier": WHOLE, "tierName": WHOLE, "members": WHOLE},
        },
        "clusterqueues.kueue.x-k8s.io": {
            "metadata": owned,
            "spec": {
                "cohort": WHOLE,
                "cohortName": WHOLE,
                **_QUOTAS,
                "queueingStrategy": WHOLE,
                "stopPolicy": WHOLE,
                "preemption": WHOLE,
            },
        },
        "cohorts.kueue.x-k8s.io": {"metadata": owned, "spec": {"parent": WHOLE, "parentName": WHOLE, **_QUOTAS}},
        "localqueues.kueue.x-k8s.io": {"metadata": owned, "spec": {"clusterQueue": WHOLE}},
    }
