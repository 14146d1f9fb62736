"""A cluster, read once and written down: everything that plans, explains and prices it, and nothing else of it."""

from __future__ import annotations

from yuheng.kubernetes.capture.capturing import CAPTURED, Captured, capture
from yuheng.kubernetes.capture.fields import check_annotations
from yuheng.kubernetes.capture.writing import check_suffix, list_of

__all__ = ["CAPTURED", "Captured", "capture", "check_annotations", "check_suffix", "list_of"]
