"""What `yuheng run` does: a cycle that decides and binds, and what surrounds it."""
