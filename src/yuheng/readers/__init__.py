"""Files and services, read into the model.

`read` takes files, folders, standard input and objects in memory, and gives a
`yuheng.model.cluster.Snapshot`; `read_pod` takes one manifest and gives its pod.
"""

from __future__ import annotations

from yuheng.readers.manifests import read_pod
from yuheng.readers.snapshot import read

__all__ = ["read", "read_pod"]
