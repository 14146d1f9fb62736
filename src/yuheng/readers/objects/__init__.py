"""Kubernetes objects, from the wire to the model: what the API server and kube-scheduler make of them."""
