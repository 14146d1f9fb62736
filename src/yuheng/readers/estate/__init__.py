"""The objects of a cluster -> what it is paid for, container by container.

sources ── objects ──┬── Assembly ──> Snapshot                    (as scheduling sees it)
                     ├── workloads, containers, java              what is written: requests, limits, heap flags
                     ├── pods, owners                             what runs: owner, queue, out of memory, restarts
                     ├── volumes                                  claims, load balancers
                     └── autoscalers ──> Estate
"""

from __future__ import annotations

from yuheng.readers.estate.clusters import Estates, check_places, estates_of
from yuheng.readers.estate.reader import read_estate

__all__ = ["Estates", "check_places", "estates_of", "read_estate"]
