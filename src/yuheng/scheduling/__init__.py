"""The engine: one cluster, `(snapshot, policy) -> plan`. Pure: no input or output, no clock, no globals.

    snapshot --Machines, Peers, Classes--> compiled --Compiler--> window of classes
                                                                       |
              log <--commit-- pick <--score groups-- filter groups <--catch up   (one pod, `cycle`)
                                 |
                             refused --> record --> reasons, closest, hint       (`explain`, `hints`)

Read `planner` for the questions it answers, `cycle` for how one pod is decided, `arrays` for the shapes inside,
`registry` for the table of filters and scores.
"""
