"""Many clusters: which one, which market, when to start. Pure: no input or output, no clock, no globals.

Placement picks clusters, markets and start times; `yuheng.scheduling` then picks nodes, on the same compiled state, so
that what a cluster has room for is what its scheduler would find.
"""
