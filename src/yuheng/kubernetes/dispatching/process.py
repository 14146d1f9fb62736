"""`dispatch`: from options to a plan that is carried out, once or until a signal says to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yuheng.kubernetes.dispatching.applying import Settings
from yuheng.kubernetes.dispatching.folder import opened
from yuheng.kubernetes.dispatching.keeping import Keeper, Patience
from yuheng.kubernetes.dispatching.members import connected
from yuheng.kubernetes.dispatching.rounds import Round, Task
from yuheng.kubernetes.signals import stopped_by_signals
from yuheng.kubernetes.timing import Timing
from yuheng.model.dispatch import DispatchReport
from yuheng.placement.planner import Question

if TYPE_CHECKING:
    from yuheng.model.policy import Policy

__all__ = ["Options", "dispatch", "dispatched", "keep"]


class Options(NamedTuple):
    """What a dispatch is started with; see ``yuheng dispatch --help``."""

    sources: Sequence[str]
    name: str | None = None
    kubeconfig: Path | None = None
    objective: str | None = None
    without: tuple[str, ...] = ()
    rebalance: bool = False
    policy: Policy | None = None
    seed: int = 0
    dry_run: bool = False
    force_conflicts: bool = False
    prune: bool = True
    failback: bool = False
    failover_after: float = 300.0
    grace: float = 600.0

    def task(self) -> Task:
        """What a round is to do."""
        question = Question(
            policy=self.policy,
            objective=self.objective,
            without=self.without,
            rebalance=self.rebalance,
            seed=self.seed,
        )
        # The name of the fleet is known when its folder is.
        settings = Settings(self.name or "", dry_run=self.dry_run, force=self.force_conflicts)
        return Task(question, settings, self.prune, failback=self.failback, grace=self.grace)


def dispatch(options: Options) -> DispatchReport:
    """Carry a fleet plan out, once.

    Args:
        options: what to do.

    Raises:
        YuhengError: the folder is no fleet, or there can be no plan. What fails in a cluster is told instead.
    """
    return asyncio.run(dispatched(options))


async def dispatched(options: Options, timing: Timing = Timing()) -> DispatchReport:  # noqa: B008 -- immutable
    """The same, on the loop that runs.

    Args:
        options: what to do.
        timing: the clocks.

    Raises:
        YuhengError: as for `dispatch`.
    """
    folder = opened(options.sources, options.name)
    task = options.task()
    task = task._replace(settings=task.settings._replace(fleet=folder.fleet))
    async with AsyncExitStack() as stack:
        members, failures = await connected(folder.places, options.kubeconfig, timing, stack)
        return await Round(folder, members, failures, timing).run(task)


def keep(options: Options, say: Callable[[str], object]) -> None:
    """Carry a fleet plan out and keep it so, until a signal says to stop.

    Args:
        options: what to do.
        say: takes the lines that are printed.

    Raises:
        YuhengError: the folder is no fleet at the start.
    """
    asyncio.run(_kept(options, say))


async def _kept(options: Options, say: Callable[[str], object]) -> None:
    stop = asyncio.Event()
    patience = Patience(failover_after=options.failover_after, grace=options.grace)
    keeper = Keeper(options.sources, options.task(), say, kubeconfig=options.kubeconfig, patience=patience)
    with stopped_by_signals(stop):
        await keeper.run(stop)
