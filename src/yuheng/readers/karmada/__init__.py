"""Karmada's objects: policies, clusters, bindings and rebalancers; and what override policies make of an object."""

from yuheng.readers.karmada.bindings import read_binding, read_rebalancer
from yuheng.readers.karmada.clusters import read_karmada_cluster
from yuheng.readers.karmada.keys import Stray, stray_keys
from yuheng.readers.karmada.overrides import read_override_policy
from yuheng.readers.karmada.overriding import overridden
from yuheng.readers.karmada.policies import PolicyReading, read_propagation_policy

__all__ = [
    "PolicyReading",
    "Stray",
    "overridden",
    "read_binding",
    "read_karmada_cluster",
    "read_override_policy",
    "read_propagation_policy",
    "read_rebalancer",
    "stray_keys",
]
