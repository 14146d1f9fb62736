"""Workflows placed as a whole: tasks to their data, under limits, by a deadline.

    options by task ──> admission ──> problem ──> search ──> solution ──> plan
    (cluster, market,   (what cannot  (numbers;   (a good    (exact where small, by HiGHS;
     machine group)      be taken,     what no     choice)     else with the bound of the
                         and why)      limit                    relaxed program)
                                       can bind
                                       is left out)

It is resource-constrained project scheduling with several modes: a mode is an option, a renewable resource is a limit,
and moving data between regions takes time and money.
"""

from yuheng.placement.workflow.place import EXACT_LIMIT, place_workflow

__all__ = ["EXACT_LIMIT", "place_workflow"]
