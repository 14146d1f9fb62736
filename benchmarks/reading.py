"""How long the state of a large cluster takes to read, and how much memory.

Writes what ``kubectl get nodes,pods -A -o json`` gives of a cluster (four spaces of indentation, managed
fields, conditions, container statuses, token volumes; one pod in ten is a daemon's, bound by affinity), and
reads it in a process of its own.

    python benchmarks/reading.py --nodes 5000 --pods 100000 --json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT = 8
NODE_SLOT, NAME_SLOT, OWNER_SLOT, APP_SLOT = "@node@", "@name@", "@owner@", "@app@"
TEMPLATES = 400
HOUR = "2026-01-31T12:00:00Z"


def main() -> None:
    """Generate, read, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(_read(options.read)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cluster.json")
        with path.open("w") as out:
            _write(out, options.nodes, options.pods)
        size = path.stat().st_size
        command = [sys.executable, __file__, "--read", str(path)]
        measured = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    result = {"nodes": options.nodes, "pods": options.pods, "file_mib": round(size / 1024**2), **measured}
    print(json.dumps(result) if options.json else _sentence(result))


def _read(path: str) -> dict[str, float]:
    started = time.perf_counter()
    from yuheng.readers import read

    imported = time.perf_counter()
    snapshot = read(path)
    finished = time.perf_counter()
    return {
        "read_nodes": len(snapshot.nodes),
        "read_pods": len(snapshot.pods),
        "distinct_specs": len({id(pod.spec) for pod in snapshot.pods}),
        "import_seconds": round(imported - started, 3),
        "read_seconds": round(finished - imported, 3),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _sentence(result: dict[str, Any]) -> str:
    return (
        f"{result['nodes']} nodes and {result['pods']} pods ({result['file_mib']} MiB) read in "
        f"{result['read_seconds']} s, at most {result['peak_rss_mib']} MiB of memory"
    )


def _write(out: TextIO, nodes: int, pods: int) -> None:
    node = _text(_node())
    kinds = [_text(_pod(number, daemon=number % 10 == 0)) for number in range(TEMPLATES)]
    out.write('{\n    "apiVersion": "v1",\n    "items": [\n')
    out.writelines(node.replace(NODE_SLOT, f"node-{number:05}") + ",\n" for number in range(nodes))
    out.writelines(_pods(kinds, nodes, pods))
    out.write('    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')


def _pods(kinds: list[str], nodes: int, pods: int) -> Iterator[str]:
    for number in range(pods):
        app = f"app-{number % TEMPLATES}"
        slots = {
            NODE_SLOT: f"node-{number % nodes:05}",
            NAME_SLOT: f"{number:06x}",
            OWNER_SLOT: f"{app}-5d8c7b9f4",
            APP_SLOT: app,
        }
        text = kinds[number % TEMPLATES]
        for slot, value in slots.items():
            text = text.replace(slot, value)
        yield text + (",\n" if number < pods - 1 else "\n")


def _text(value: dict[str, Any]) -> str:
    margin = " " * INDENT
    return margin + json.dumps(value, indent=4, sort_keys=True).replace("\n", "\n" + margin)


def _managed(manager: str, *paths: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path in paths:
        place = fields
        for step in path.split("/"):
            place = place.setdefault(f"f:{step}", {})
    return {
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "manager": manager,
        "operation": "Update",
        "time": HOUR,
    }


def _condition(kind: str, status: str = "True") -> dict[str, Any]:
    return {
        "lastHeartbeatTime": HOUR,
        "lastTransitionTime": HOUR,
        "message": f"kubelet says of {kind}: {status}",
        "reason": f"Kubelet{kind}",
        "status": status,
        "type": kind,
    }


def _node() -> dict[str, Any]:
    amounts = {
        "cpu": "64",
        "ephemeral-storage": "200Gi",
        "hugepages-2Mi": "0",
        "memory": "263857276Ki",
        "pods": "250",
    }
    pressures = [_condition(f"{what}Pressure", "False") for what in ("Memory", "Disk", "PID")]
    images = [
        {
            "names": [
                f"registry.example.com/team/image-{n}@sha256:{n:064x}",
                f"registry.example.com/team/image-{n}:1",
            ],
            "sizeBytes": n * 10**7,
        }
        for n in range(25)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": {"csi.volume.kubernetes.io/nodeid": '{"csi.example.com":"@node@"}'},
            "creationTimestamp": HOUR,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": NODE_SLOT,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "m6i.16xlarge",
                "topology.kubernetes.io/region": "r1",
                "topology.kubernetes.io/zone": "r1-a",
            },
            "managedFields": [_managed("kubelet", "metadata/labels/kubernetes.io/arch", "status/allocatable/cpu")],
            "name": NODE_SLOT,
            "resourceVersion": "123456789",
            "uid": "0ad03c7a-7ca9-4a50-9fe4-fca07854fd1d",
        },
        "spec": {"podCIDR": "10.0.0.0/24", "providerID": "aws:///r1-a/@node@"},
        "status": {
            "addresses": [
                {"address": "10.0.0.1", "type": "InternalIP"},
                {"address": NODE_SLOT, "type": "Hostname"},
            ],
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [*pressures, _condition("Ready")],
            "images": images,
            "nodeInfo": {"architecture": "amd64", "kubeletVersion": "v1.36.2", "operatingSystem": "linux"},
        },
    }


def _container(number: int, name: str) -> dict[str, Any]:
    return {
        "env": [{"name": f"VARIABLE_{n}", "value": f"value of variable {n}"} for n in range(3)],
        "image": f"registry.example.com/team/image-{number}:1",
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
            "periodSeconds": 10,
        },
        "name": name,
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "resources": _resources(number),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "name": "kube-api-access-@name@",
                "readOnly": True,
            }
        ],
    }


def _resources(number: int) -> dict[str, Any]:
    amounts = {"cpu": f"{100 + number % 9 * 50}m", "memory": f"{128 + number % 7 * 64}Mi"}
    return {"limits": amounts, "requests": amounts}


def _container_status(number: int, name: str) -> dict[str, Any]:
    return {
        "allocatedResources": _resources(number)["requests"],
        "containerID": "containerd://" + "0123456789abcdef" * 4,
        "image": f"registry.example.com/team/image-{number}:1",
        "imageID": "registry.example.com/team/image@sha256:" + "0123456789abcdef" * 4,
        "name": name,
        "ready": True,
        "resources": _resources(number),
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": HOUR}},
    }


def _pod(number: int, *, daemon: bool) -> dict[str, Any]:
    names = ("main",) if number % 4 else ("main", "proxy")
    tolerations = [
        {
            "effect": "NoExecute",
            "key": f"node.kubernetes.io/{key}",
            "operator": "Exists",
            "tolerationSeconds": 300,
        }
        for key in ("not-ready", "unreachable")
    ]
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [NODE_SLOT]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {"prometheus.io/scrape": "true"},
            "creationTimestamp": HOUR,
            "generateName": f"{OWNER_SLOT}-",
            "labels": {"app": APP_SLOT, "pod-template-hash": "5d8c7b9f4", "team": f"team-{number % 20}"},
            "managedFields": [_managed("kubelet", "status/phase", "status/podIP")],
            "name": f"{OWNER_SLOT}-{NAME_SLOT}",
            "namespace": f"team-{number % 20}",
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "blockOwnerDeletion": True,
                    "controller": True,
                    "kind": "DaemonSet" if daemon else "ReplicaSet",
                    "name": OWNER_SLOT,
                    "uid": "0ad03c7a-7ca9-4a50-9fe4-fca07854fd1d",
                }
            ],
            "resourceVersion": "123456789",
            "uid": "d032824a-bd5f-485e-b525-efbff2849f6d",
        },
        "spec": {
            **({"affinity": {"nodeAffinity": required}} if daemon else {}),
            "containers": [_container(number, name) for name in names],
            "dnsPolicy": "ClusterFirst",
            "enableServiceLinks": True,
            "nodeName": NODE_SLOT,
            "preemptionPolicy": "PreemptLowerPriority",
            "priority": 0,
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "serviceAccount": "default",
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
            "tolerations": tolerations,
            "volumes": [
                {
                    "name": f"kube-api-access-{NAME_SLOT}",
                    "projected": {
                        "defaultMode": 420,
                        "sources": [{"serviceAccountToken": {"path": "token"}}],
                    },
                }
            ],
        },
        "status": {
            "conditions": [_condition(kind) for kind in ("Initialized", "Ready")],
            "containerStatuses": [_container_status(number, name) for name in names],
            "hostIP": "10.0.0.1",
            "phase": "Running",
            "podIP": "10.1.2.3",
            "qosClass": "Guaranteed",
            "startTime": HOUR,
        },
    }


if __name__ == "__main__":
    main()
