"""Where an API server is, and who we are to it.

    access = open_access(context="staging")

Read from kubeconfigs as ``kubectl`` reads them, or from inside a pod. The server's certificate is checked unless the
kubeconfig says not to; credentials show in no message, no log and no representation.
"""

from __future__ import annotations

from yuheng.kubernetes.access.access import Access
from yuheng.kubernetes.access.identity import Identity, Material, Source
from yuheng.kubernetes.access.opening import open_access

__all__ = ["Access", "Identity", "Material", "Source", "open_access"]
