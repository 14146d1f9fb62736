"""Karmada's policies: which policy is a workload's, which clusters it selects, and how replicas are divided."""

from yuheng.placement.propagation.decision import Propagator, propagate
from yuheng.placement.propagation.index import PolicyIndex
from yuheng.placement.propagation.result import Propagation

__all__ = ["PolicyIndex", "Propagation", "Propagator", "propagate"]
