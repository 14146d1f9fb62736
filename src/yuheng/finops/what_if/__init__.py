"""What a change of how a cluster is run would cost: colocation, shared GPUs, spot, other machines, other requests."""

from __future__ import annotations

from yuheng.finops.what_if.question import Ask, parse_ask
from yuheng.finops.what_if.resize import sizes_of
from yuheng.finops.what_if.run import what_if
from yuheng.finops.what_if.state import Known, Sizes

__all__ = ["Ask", "Known", "Sizes", "parse_ask", "sizes_of", "what_if"]
