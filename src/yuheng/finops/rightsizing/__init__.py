"""Requests that fit: VPA's and KRR's as they are defined, and our own, on the usage there was.

estate ──┐
usage ───┼─ targets ── prepare (trying: seasonal, on held-out days) ── one price for all ── advise ── Rightsizing
prices ──┘                                            sizing (vpa, krr, memory) and replicas (autoscalers) ──┘
"""

from __future__ import annotations

from yuheng.finops.rightsizing.cluster import rightsize
from yuheng.finops.rightsizing.sizing import Rule

__all__ = ["Rule", "rightsize"]
