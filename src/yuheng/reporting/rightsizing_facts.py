"""How a change of requests is worded, wherever it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.reporting.wording import amount_text, number_text

if TYPE_CHECKING:
    from yuheng.model.rightsizing import Change, ContainerAdvice, Rightsizing

__all__ = ["change_text", "headline", "minutes_text", "reasons", "request_text"]


def request_text(resource: str, amount: int) -> str:
    """A request as a quantity; a dash for none."""
    return amount_text(resource, amount) if amount else "-"


def change_text(resource: str, change: Change, arrow: str) -> str:
    """``500m -> 120m``; only the old one where it is left."""
    old = request_text(resource, change.old)
    if change.new is None or change.new == change.old:
        return old
    return f"{old} {arrow} {request_text(resource, change.new)}"


def minutes_text(minutes: float | None) -> str:
    """Minutes a month; a question mark where nothing could be held out."""
    if minutes is None:
        return "?"
    return "0" if minutes < 0.05 else number_text(round(minutes, 1 if minutes < 10 else 0))


def reasons(row: ContainerAdvice) -> list[str]:
    """All that has to be known of a row: why a resource is left or bound, what an autoscaler does, notes."""
    found = [f"{name}: {change.why}" for name, change in (("cpu", row.cpu), ("memory", row.memory)) if change.why]
    if row.autoscaler is not None:
        effect = row.autoscaler
        was = "" if effect.replicas_before is None else f" instead of {number_text(effect.replicas_before)}"
        found.append(
            f"autoscaler {effect.name} at {effect.utilization:.0%}: {number_text(effect.replicas)} replicas{was} in "
            f"the mean, {effect.most} at most of {effect.maximum}"
        )
    if row.cpu.new is not None and row.memory.new_limit != row.memory.old_limit:
        limits = [request_text("memory", limit or 0) for limit in (row.memory.old_limit, row.memory.new_limit)]
        found.append(f"memory limit {limits[0]} to {limits[1]}")
    return [*found, *row.notes]


def headline(result: Rightsizing) -> tuple[str, str]:
    """What is changed, and at what risk: minutes above before and after."""
    changed = sum(row.changes for row in result.containers)
    before, after = result.minutes(before=True), result.minutes()
    return (
        f"{changed:,} of {len(result.containers):,} containers get other requests",
        f"{minutes_text(before)} minutes a month above cpu request before, {minutes_text(after)} after",
    )
