"""The live side: the engine's decisions carried out on a Kubernetes cluster.

Everything here runs on one event loop and speaks to an API server over HTTP. `access` knows where the server is and
who asks; `api` is one connection pool with lists, watches and single requests; `watching` keeps a picture of a kind
of object up to date, whatever the server, the network or etcd does. What decides is not here: it is the same code
that plans and simulates.
"""
