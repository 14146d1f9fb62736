"""The demo: the built-in example through the same path as any cluster, and what there is to see of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from yuheng.cli.example import EXPLAINED, example_list, example_objects
from yuheng.cli.output import explanation_text, plan_text, terminal, write_whole
from yuheng.cli.work import chosen_policy, explained, planned

if TYPE_CHECKING:
    from pathlib import Path

    from yuheng.model.plan import Plan

__all__ = ["show"]


def show(out: Path, save: Path | None) -> None:
    """Plan the example, explain one refusal, write the report.

    Args:
        out: where the HTML report goes.
        save: where the example itself goes, as Kubernetes JSON; None for nowhere.

    Raises:
        ConfigError: one of the files cannot be written.
    """
    from yuheng.readers import read

    if save is not None:
        write_whole(save, json.dumps(example_list(), indent=1) + "\n", "--save")
    snapshot = read(example_objects())
    policy = chosen_policy(None, None)
    plan = planned(snapshot, policy, 0)
    explanation = explained(snapshot, _refused(plan), policy, 0)
    write_whole(out, plan_text(plan, "html", None))
    console = terminal()
    plan_text(plan, "table", console)
    console.rule(style="dim")
    explanation_text(explanation, "table", console)
    console.rule(style="dim")
    if save is not None:
        console.print(f"Cluster: {save}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"Report:  {out}", soft_wrap=True, markup=False, highlight=False)


def _refused(plan: Plan) -> str:
    """The refusal that is explained."""
    return next(refusal.pod for refusal in plan.unschedulable if refusal.pod.startswith(EXPLAINED))
