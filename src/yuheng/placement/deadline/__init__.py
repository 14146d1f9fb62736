"""A job with a deadline on spot markets: run on-demand, on spot, or wait? Pure: traces in, costs out.

    SpotZone, DeadlineJob ──> windows ──> follow (rules, values; the safety net) ──> Outcome
                                 └──────> relaxed ──> bound (omniscient)

`run` runs one policy once; `starts` says where in the traces runs begin; `advice` replays ours over what was seen of
the markets, for a plan. The policies come from "Can't Be Late: Optimizing Spot Instance Savings under Deadlines" (Wu et
al., NSDI'24); ours, in `values`, learns how long spells
of capacity last, and works out what waiting is worth.
"""

from __future__ import annotations

from yuheng.placement.deadline.advice import Advice, advise
from yuheng.placement.deadline.bound import least_cost
from yuheng.placement.deadline.run import Outcome, check, run
from yuheng.placement.deadline.starts import Start, starts

__all__ = ["Advice", "Outcome", "Start", "advise", "check", "least_cost", "run", "starts"]
