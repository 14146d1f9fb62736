"""What a live engine was told, asked and decided, written down; and read again, to decide it once more.

    Turns ──turn──▶ Recorder ──▶ DIR/00000001.yrec, 00000002.yrec, ... ──▶ parts ──▶ replay, compare

A record is made of *parts*, files that each begin with the whole state, so that any of them can be replayed without the
others: the oldest are deleted, one may be damaged, and what is left is still good. The engine is a function of what it
was told (see `yuheng.scheduling.decider`), so a fresh one that is told the same decides the same, bit for bit.
"""

from yuheng.kubernetes.recording.comparing import compare, compare_at
from yuheng.kubernetes.recording.reader import Part, parts
from yuheng.kubernetes.recording.replaying import Moment, moment, replay
from yuheng.kubernetes.recording.turn import Turn
from yuheng.kubernetes.recording.writer import Limits, Recorder

__all__ = ["Limits", "Moment", "Part", "Recorder", "Turn", "compare", "compare_at", "moment", "parts", "replay"]
