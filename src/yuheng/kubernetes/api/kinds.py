"""The kinds of objects that are touched, and the paths the API server knows them under.

One table, so that what is read, what a role must allow, and what is written are told from the same place. A kind is
called by its plural and its group, as ``kubectl`` calls it: ``pods``, ``jobs.batch``, ``jobs.batch.volcano.sh``.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """A kind of object.

    Attributes:
        group: its API group; empty for the core.
        version: such as ``v1``.
        plural: its name in paths and roles, such as ``pods``.
        kind: its name in objects, such as ``Pod``.
        namespaced: whether its objects live in namespaces.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def name(self) -> str:
        """``pods``, ``jobs.batch``: the plural, and the group where there is one."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """``v1``, ``batch/v1``: as objects of the kind say it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_foreign(self) -> bool:
        """Whether it is no part of Kubernetes itself, so that a server may lack it."""
        return "." in self.group and not self.group.endswith(".k8s.io")

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of an object, of a part of it, or of all objects of a namespace or of the cluster.

        Args:
            namespace: the objects' namespace; empty for all, or for a kind that knows none.
            name: the object's name; empty for all.
            subresource: such as ``binding``; empty for the object itself.
        """
        path = f"/apis/{self.group}/{self.version}/" if self.group else f"/api/{self.version}/"
        if namespace:
            path += f"namespaces/{quote(namespace, safe='')}/"
        path += self.plural
        if name:
            path += f"/{quote(name, safe='')}"
        return f"{path}/{subresource}" if subresource else path


_TABLE: Final = (
    Kind("", "v1", "pods", "Pod"),
    Kind("", "v1", "nodes", "Node", namespaced=False),
    Kind("", "v1", "namespaces", "Namespace", namespaced=False),
    Kind("", "v1", "services", "Service"),
    Kind("", "v1", "configmaps", "ConfigMap"),
    Kind("", "v1", "replicationcontrollers", "ReplicationController"),
    Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    Kind("apps", "v1", "daemonsets", "DaemonSet"),
    Kind("apps", "v1", "deployments", "Deployment"),
    Kind("apps", "v1", "replicasets", "ReplicaSet"),
    Kind("apps", "v1", "statefulsets", "StatefulSet"),
    Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    Kind("batch", "v1", "cronjobs", "CronJob"),
    Kind("batch", "v1", "jobs", "Job"),
    Kind("batch.volcano.sh", "v1alpha1", "jobs", "Job"),
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
    Kind("events.k8s.io", "v1", "events", "Event"),
    Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject"),
    Kind("kueue.x-k8s.io", "v1beta1", "clusterqueues", "ClusterQueue", namespaced=False),
    Kind("kueue.x-k8s.io", "v1beta1", "cohorts", "Cohort", namespaced=False),
    Kind("kueue.x-k8s.io", "v1beta1", "localqueues", "LocalQueue"),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False),
    Kind("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"),
    Kind("scheduling.volcano.sh", "v1beta1", "queues", "Queue", namespaced=False),
    Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False),
    Kind("topology.volcano.sh", "v1alpha1", "hypernodes", "HyperNode", namespaced=False),
    Kind("work.karmada.io", "v1alpha2", "resourcebindings", "ResourceBinding"),
    Kind("work.karmada.io", "v1alpha2", "clusterresourcebindings", "ClusterResourceBinding", namespaced=False),
    Kind("cluster.karmada.io", "v1alpha1", "clusters", "Cluster", namespaced=False),
)
# Every kind by its name: ``KINDS["pods"]``, ``KINDS["podgroups.scheduling.volcano.sh"]``.
KINDS: Final = {kind.name: kind for kind in _TABLE}
