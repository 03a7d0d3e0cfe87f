"""Putting a target back as it was before a drill."""

from drill.putback.images import image_of, run_image
from drill.putback.target import (
    PutBack,
    changed_since_open,
    close_drill,
    close_images,
    last_known,
    left_open,
    open_drill,
    open_images,
    put_back,
)

__all__ = [
    "PutBack",
    "changed_since_open",
    "close_drill",
    "close_images",
    "image_of",
    "last_known",
    "left_open",
    "open_drill",
    "open_images",
    "put_back",
    "run_image",
]
