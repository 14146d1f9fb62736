"""For fleets that Karmada carries out: the decision is ours, as a scheduler of its control plane.

    bindings and clusters ──watched──> Desk (what is due) ──> decide ──> spec.clusters, status

A policy with ``spec.schedulerName: yuheng`` gives its bindings that name, karmada-scheduler passes them over, and they
are ours. What is written is what karmada-scheduler writes, field by field, so that everything behind it works as ever.
"""
