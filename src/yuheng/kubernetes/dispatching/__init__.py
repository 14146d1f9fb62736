"""A fleet plan, carried out: what runs where is written to the clusters themselves, and kept so.

    folder ──> members: connect, discover, capture, what we own there (`owned`: objects and the last decision)
                 │
               plan (the same engine) ──> targets: which object goes to which cluster, with how many replicas
                 │
               applying: server-side apply, growth first; then what shrinks; then pruning of what is ours and not wanted
                 │
               DispatchReport; `keeping` does it again when a cluster fails, comes back, drifts, or the folder changes

Nothing is remembered outside of the clusters. Each workload carries the last decision on it (`decision`), on every
cluster that has a share of it: from any one of them it is known what all the others were given. So a cluster that
cannot be reached keeps its replicas, one that was given up does not get them back by itself, and a dispatcher that
starts anew knows what its predecessor did.

`karmada` is for fleets that Karmada carries out: there only the decision is ours.
"""
