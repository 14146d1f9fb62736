"""Running later, or in parts, when that is cheaper or cleaner.

`best_start` and `best_slots` (and `decide`, by a rule) decide for one job on what is known, or forecast, of a price or
a carbon intensity; `shift` does so for many jobs, and says what it comes to when the forecast was wrong; `draw_jobs`
makes them up.
"""

from __future__ import annotations

from yuheng.placement.shifting.cost import Cost
from yuheng.placement.shifting.limits import limits
from yuheng.placement.shifting.slots import Slots, best_slots
from yuheng.placement.shifting.start import Start, best_start
from yuheng.placement.shifting.study import decide, forecast, shift
from yuheng.placement.shifting.workload import draw_jobs

__all__ = ["Cost", "Slots", "Start", "best_slots", "best_start", "decide", "draw_jobs", "forecast", "limits", "shift"]
