"""Putting a target back as it was before a drill."""

from drill.putback.target import PutBack, close_drill, last_known, open_drill, put_back

__all__ = ["PutBack", "close_drill", "last_known", "open_drill", "put_back"]
