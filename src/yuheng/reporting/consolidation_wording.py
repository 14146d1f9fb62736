"""How reports word a consolidation: what can go, and what its bound rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.model.words import count

if TYPE_CHECKING:
    from yuheng.model.consolidation import Consolidation

__all__ = ["bound_text", "headline", "rounds_of"]


def headline(result: Consolidation) -> str:
    """``3 nodes of 30 can go, 1 node can be replaced``."""
    removed = sum(not step.replacement for step in result.steps)
    replaced = len(result.steps) - removed
    told = f"{count(removed, 'node')} of {result.nodes:,} can go"
    return f"{told}, {count(replaced, 'node')} can be replaced" if replaced else told


def bound_text(result: Consolidation) -> str:
    """What the bound is of, as a sentence: nodes that have to stay are in it whatever they hold."""
    if not result.kept:
        return "no set of these nodes that holds the pods costs less"
    kept = f"the {count(result.kept, 'node')} that {'has' if result.kept == 1 else 'have'} to stay"
    return f"no set of these nodes that holds the pods costs less, {kept} among them"


def rounds_of(result: Consolidation) -> int:
    """In how many rounds all pods are evicted, one step after the other."""
    return sum(max((one.round for one in step.evictions), default=0) for step in result.steps)
