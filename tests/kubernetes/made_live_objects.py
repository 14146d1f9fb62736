"""A cluster as its API server would tell of it, with every field that is read, and with what must never be written.

Everything that begins with `PLANTED` is a secret of somebody: in environments, command lines, annotations, managed
fields, messages, ConfigMaps, triggers.
"""

from __future__ import annotations

from typing import Any

PLANTED = "planted-"
HOUR = "2026-01-31T12:00:00Z"
CONFIGURATION = f"""
actions: "enqueue, allocate"  # {PLANTED}comment
tiers:
- plugins:
  - name: priority
    enablePreemptable: false
  - name: gang
  - name: binpack
    arguments: {{binpack.weight: 3, binpack.resources: example.com/a, binpack.resources.example.com/a: 2}}
metrics:
  type: elasticsearch
  address: https://user:{PLANTED}metrics@metrics.example.com
  elasticsearch.password: {PLANTED}elasticsearch
"""
Objects = dict[str, list[dict[str, Any]]]


def metadata(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": f"{PLANTED}last-applied",
        "example.com/note": f"{PLANTED}annotation",
        "team": "pay",
        **more.pop("annotations", {}),
    }
    return {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": HOUR,
        "annotations": annotations,
        "managedFields": [{"manager": f"{PLANTED}manager", "fieldsV1": {"f:spec": {}}}],
        **more,
    }


def container(name: str = "main") -> dict[str, Any]:
    return {
        "name": name,
        "image": "app:1",
        "command": ["java", f"-Dpassword={PLANTED}command"],
        "args": [f"--token={PLANTED}argument"],
        "env": [
            {"name": "PASSWORD", "value": f"{PLANTED}environment"},
            {"name": "OTHER", "valueFrom": {"secretKeyRef": {"name": f"{PLANTED}reference", "key": "k"}}},
        ],
        "envFrom": [{"secretRef": {"name": f"{PLANTED}reference"}}],
        "livenessProbe": {
            "httpGet": {"port": 80, "httpHeaders": [{"name": "Authorization", "value": f"{PLANTED}probe"}]}
        },
        "lifecycle": {"preStop": {"exec": {"command": [f"{PLANTED}hook"]}}},
        "volumeMounts": [{"name": "v", "mountPath": f"/{PLANTED}mount"}],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "TCP"}],
    }


def pod_spec(**more: Any) -> dict[str, Any]:
    return {
        "containers": [container()],
        "initContainers": [{**container("sidecar"), "restartPolicy": "Always"}],
        "nodeSelector": {"disk": "ssd"},
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 3,
                        "podAffinityTerm": {
                            "labelSelector": {"matchLabels": {"app": "web"}},
                            "topologyKey": "kubernetes.io/hostname",
                        },
                    }
                ]
            }
        },
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 2,
                "topologyKey": "zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": "web"}},
            }
        ],
        "overhead": {"cpu": "10m"},
        "priorityClassName": "high",
        "priority": 1000,
        "preemptionPolicy": "Never",
        "schedulerName": "yuheng",
        "imagePullSecrets": [{"name": f"{PLANTED}pull"}],
        "serviceAccountName": f"{PLANTED}account",
        "hostAliases": [{"ip": "1.2.3.4", "hostnames": [f"{PLANTED}host"]}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "secret", "secret": {"secretName": f"{PLANTED}secret-name"}},
            {"name": "config", "configMap": {"name": f"{PLANTED}config-name"}},
            {"name": "nfs", "nfs": {"server": f"{PLANTED}server", "path": "/"}},
            {
                "name": "scratch",
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "metadata": {"annotations": {"a": f"{PLANTED}claim"}},
                        "spec": {"resources": {"requests": {"storage": "5Gi"}}, "storageClassName": "fast"},
                    }
                },
            },
        ],
        **more,
    }


def template(**more: Any) -> dict[str, Any]:
    annotations = {"example.com/inner": f"{PLANTED}template", "volcano.sh/preemptable": "true"}
    return {"metadata": {"labels": {"app": "web"}, "annotations": annotations}, "spec": pod_spec(**more)}


def owner(kind: str, name: str, version: str = "apps/v1") -> list[dict[str, Any]]:
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}]


def node(name: str) -> dict[str, Any]:
    return {
        "metadata": metadata(name, "", labels={"disk": "ssd", "zone": "a", "kubernetes.io/hostname": name}),
        "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}], "providerID": f"aws:///a/{name}"},
        "status": {
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "conditions": [
                {"type": "Ready", "status": "True", "lastHeartbeatTime": HOUR, "message": f"{PLANTED}condition"}
            ],
            "images": [{"names": ["app:1"], "sizeBytes": 300_000_000}],
            "nodeInfo": {"machineID": f"{PLANTED}machine", "bootID": "b"},
            "addresses": [{"type": "InternalIP", "address": f"{PLANTED}address"}],
        },
    }


def pod(
    name: str, node_name: str | None, kind: str = "ReplicaSet", parent: str = "web-1", **more: Any
) -> dict[str, Any]:
    state = {"terminated": {"reason": "OOMKilled", "finishedAt": HOUR, "message": f"{PLANTED}death"}}
    status = {
        "phase": "Running" if node_name else "Pending",
        "startTime": HOUR,
        "podIP": f"{PLANTED}pod-ip",
        "message": f"{PLANTED}message",
        "conditions": [{"type": "PodScheduled", "status": "True", "message": f"{PLANTED}scheduled"}],
        "containerStatuses": [
            {
                "name": "main",
                "restartCount": 2,
                "imageID": f"{PLANTED}image",
                "state": {"running": {"startedAt": HOUR}},
                "lastState": state,
                "allocatedResources": {"cpu": "250m", "memory": "256Mi"},
            }
        ],
    }
    labels = {"app": "web", "pod-template-hash": "1"}
    placed = {"nodeName": node_name} if node_name else {}
    return {
        "metadata": metadata(name, labels=labels, ownerReferences=owner(kind, parent), generateName="web-1-"),
        "spec": pod_spec(**placed, **more),
        "status": status if node_name else {"phase": "Pending"},
    }


def cluster() -> Objects:
    """Objects by the path of their list; items say neither kind nor version, as in lists of an API server."""
    batch = {"labels": {"app": "web"}}
    return {
        "/api/v1/namespaces": [{"metadata": metadata("shop", "", labels={"team": "pay"}), "spec": {}}],
        "/api/v1/nodes": [node("n1"), node("n2")],
        "/api/v1/pods": [
            pod("web-1-a", "n1"),
            pod("web-1-b", None),
            {**pod("lone", "n2"), "metadata": metadata("lone", annotations={"volcano.sh/preemptable": "true"})},
        ],
        "/api/v1/services": [
            {"metadata": metadata("web"), "spec": {"type": "LoadBalancer", "selector": {"app": "web"}}}
        ],
        "/api/v1/configmaps": [
            {"metadata": metadata("settings"), "data": {"password": f"{PLANTED}config-map"}},
            {"metadata": metadata("my-scheduler", "volcano-system"), "data": {"other": f"{PLANTED}scheduler"}},
            {
                "metadata": metadata("volcano-scheduler-configmap", "volcano-system"),
                "data": {
                    "volcano-scheduler.conf": CONFIGURATION,
                    "more": f"{PLANTED}beside",
                },
            },
        ],
        "/api/v1/replicationcontrollers": [
            {
                "metadata": metadata("old", **batch),
                "spec": {"replicas": 0, "selector": {"a": "b"}, "template": template()},
            }
        ],
        "/api/v1/persistentvolumes": [
            {
                "metadata": metadata("pv-1", "", labels={"zone": "a"}),
                "spec": {
                    "capacity": {"storage": "10Gi"},
                    "storageClassName": "fast",
                    "csi": {"volumeAttributes": {"key": f"{PLANTED}volume"}},
                    "nodeAffinity": {
                        "required": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
                            ]
                        }
                    },
                },
            }
        ],
        "/api/v1/persistentvolumeclaims": [
            {
                "metadata": metadata("data"),
                "spec": {
                    "resources": {"requests": {"storage": "10Gi"}},
                    "storageClassName": "fast",
                    "volumeName": "pv-1",
                    "dataSource": {"name": f"{PLANTED}source"},
                },
                "status": {"capacity": {"storage": "10Gi"}},
            }
        ],
        "/apis/apps/v1/deployments": [
            {
                "metadata": metadata("web", **batch, annotations={"deployment.kubernetes.io/revision": "3"}),
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template()},
            }
        ],
        "/apis/apps/v1/replicasets": [
            {
                "metadata": metadata(
                    "web-1",
                    **batch,
                    ownerReferences=owner("Deployment", "web"),
                    annotations={"deployment.kubernetes.io/revision": "3"},
                ),
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "web", "pod-template-hash": "1"}},
                    "template": template(),
                },
            }
        ],
        "/apis/apps/v1/statefulsets": [
            {
                "metadata": metadata("db"),
                "spec": {
                    "replicas": 2,
                    "selector": {"matchLabels": {"app": "db"}},
                    "ordinals": {"start": 3},
                    "template": template(),
                    "volumeClaimTemplates": [
                        {"metadata": {"name": "own"}, "spec": {"resources": {"requests": {"storage": "7Gi"}}}}
                    ],
                },
                "status": {"updateRevision": "db-5"},
            }
        ],
        "/apis/apps/v1/daemonsets": [
            {
                "metadata": metadata("agent", annotations={"deprecated.daemonset.template.generation": "4"}),
                "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template()},
            }
        ],
        "/apis/batch/v1/jobs": [
            {
                "metadata": metadata("count"),
                "spec": {
                    "parallelism": 2,
                    "completions": 4,
                    "completionMode": "Indexed",
                    "podFailurePolicy": {"rules": [{"action": f"{PLANTED}rule"}]},
                    "activeDeadlineSeconds": 600,
                    "template": template(),
                },
                "status": {"succeeded": 1, "completedIndexes": "0", "conditions": []},
            }
        ],
        "/apis/batch/v1/cronjobs": [
            {
                "metadata": metadata("nightly"),
                "spec": {"schedule": "0 1 * * *", "jobTemplate": {"spec": {"template": template()}}},
                "status": {"lastScheduleTime": HOUR},
            }
        ],
        "/apis/autoscaling/v2/horizontalpodautoscalers": [
            {
                "metadata": metadata("web"),
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    "minReplicas": 2,
                    "maxReplicas": 9,
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
                        },
                        {"type": "External", "external": {"metric": {"name": f"{PLANTED}metric"}}},
                    ],
                },
            }
        ],
        "/apis/keda.sh/v1alpha1/scaledobjects": [
            {
                "metadata": metadata("db"),
                "spec": {
                    "scaleTargetRef": {"kind": "StatefulSet", "name": "db"},
                    "minReplicaCount": 1,
                    "maxReplicaCount": 6,
                    "triggers": [
                        {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}},
                        {"type": "rabbitmq", "metadata": {"host": f"amqp://u:{PLANTED}trigger@h", "value": "5"}},
                    ],
                },
            }
        ],
        "/apis/policy/v1/poddisruptionbudgets": [
            {
                "metadata": metadata("web"),
                "spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1},
                "status": {"disruptionsAllowed": 1, "disruptedPods": {f"{PLANTED}disrupted": HOUR}},
            }
        ],
        "/apis/scheduling.k8s.io/v1/priorityclasses": [
            {"metadata": metadata("high", ""), "value": 1000, "preemptionPolicy": "Never", "description": f"{PLANTED}d"}
        ],
        "/apis/batch.volcano.sh/v1alpha1/jobs": [
            {
                "metadata": metadata("train", annotations={"volcano.sh/sla-waiting-time": "1h"}),
                "spec": {
                    "minAvailable": 2,
                    "queue": "ml",
                    "plugins": {"env": [f"{PLANTED}plugin"], "ssh": []},
                    "tasks": [{"name": "worker", "replicas": 2, "template": template()}],
                    "volumes": [{"volumeClaimName": "data", "mountPath": f"/{PLANTED}mounted"}],
                },
                "status": {
                    "state": {"phase": "Pending", "message": f"{PLANTED}state"},
                    "taskStatusCount": {"worker": {"phase": {"Pending": 2}}},
                },
            }
        ],
        "/apis/scheduling.volcano.sh/v1beta1/podgroups": [
            {
                "metadata": metadata("group"),
                "spec": {"minMember": 2, "queue": "ml", "minResources": {"cpu": "1"}},
                "status": {"phase": "Pending", "conditions": [{"message": f"{PLANTED}group"}]},
            }
        ],
        "/apis/scheduling.volcano.sh/v1beta1/queues": [
            {
                "metadata": metadata("ml", ""),
                "spec": {"weight": 3, "capability": {"cpu": "64"}, "guarantee": {"resource": {"cpu": "2"}}},
                "status": {"state": "Open"},
            },
            {"metadata": metadata("default", ""), "spec": {"weight": 1}, "status": {"state": "Open"}},
        ],
        "/apis/topology.volcano.sh/v1alpha1/hypernodes": [
            {
                "metadata": metadata("rack", ""),
                "spec": {"tier": 1, "members": [{"type": "Node", "selector": {"exactMatch": {"name": "n1"}}}]},
            }
        ],
        "/apis/kueue.x-k8s.io/v1beta1/clusterqueues": [
            {
                "metadata": metadata("team", ""),
                "spec": {
                    "cohort": "all",
                    "preemption": {"withinClusterQueue": "LowerPriority"},
                    "resourceGroups": [
                        {
                            "coveredResources": ["cpu"],
                            "flavors": [{"name": "f", "resources": [{"name": "cpu", "nominalQuota": 4}]}],
                        }
                    ],
                },
                "status": {"conditions": [{"message": f"{PLANTED}queue"}]},
            }
        ],
        "/apis/kueue.x-k8s.io/v1beta1/cohorts": [{"metadata": metadata("all", ""), "spec": {}}],
        "/apis/kueue.x-k8s.io/v1beta1/localqueues": [{"metadata": metadata("line"), "spec": {"clusterQueue": "team"}}],
        "/api/v1/secrets": [{"metadata": metadata("s"), "data": {"k": f"{PLANTED}secret"}}],
    }
