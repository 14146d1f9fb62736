"""The clock around the engine: events in, decisions out, measures along the way.

    workload, failures, markets ──> Simulator (clock.Clock) <──> Scheduler (yuheng.scheduling)
                                        │
                                     Record ──> measures ──> Run ──> statistics ──> Simulation

`simulator` lets events happen in order and has the engine decide; what happened goes into a `record.Record`, from which
`measures` works everything out afterwards. `yuheng.sweeps` runs every policy on every seed. Nothing
here reads or prints.
"""
