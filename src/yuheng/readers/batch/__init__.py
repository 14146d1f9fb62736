"""Batch objects -> queues, jobs and parts of the network: Volcano's and Kueue's.

BatchReader ── before the pods are read ──> Queues, jobs, and `Members`: which pod belongs to which job
     │
     ├── queues        Volcano's Queue: shares, guarantees, node groups
     ├── jobs          Volcano's Job: its tasks, and the pods it lacks (`job_pods`)
     ├── pod_groups    PodGroups that no job owns
     ├── kueue         ClusterQueue, Cohort, LocalQueue, and the Jobs that Kueue admits
     ├── hyper_nodes   the parts of the network
     └── trees         what has to hold between queues: parents, guarantees
"""

from __future__ import annotations

from yuheng.readers.batch.reader import BatchReader

__all__ = ["BatchReader"]
