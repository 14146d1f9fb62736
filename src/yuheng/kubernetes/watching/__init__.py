"""A picture of a kind of object, kept up to date: list once, watch for ever, and begin anew when history is lost."""

from __future__ import annotations

from yuheng.kubernetes.watching.reflector import WATCHING, Reflector, Sink

__all__ = ["WATCHING", "Reflector", "Sink"]
