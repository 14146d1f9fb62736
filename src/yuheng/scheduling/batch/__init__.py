"""Batch scheduling: queues, gangs, and who makes way for whom (Volcano's semantics).

    snapshot ──> Roster (jobs, their pods)    ┐
                 Tree   (queues, their dues)  ├─> Session ──> actions, in the configured order ──> Plan
    policy   ──> Settings (plugins, by point) ┘               enqueue  who is let in
                                                              allocate gangs, by queue and job order
                                                              preempt  inside a queue
                                                              reclaim  across queues
                                                              backfill the holes in front of a reservation

The cycle that places one pod is the same as without queues (`yuheng.scheduling.cycle`); here it is decided whose turn
it is, how many pods of a job stand or fall together, and which running pods leave. Every change goes through
`moves.Moves` and can be taken back, so that a gang which does not become whole leaves nothing behind, and a forecast
can run ahead on the same state.
"""
