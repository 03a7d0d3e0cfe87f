"""The parts of a target besides its application: databases, Redis, backups."""

from drill.parts.catalogue import part_named, parts_of, store_of

__all__ = ["part_named", "parts_of", "store_of"]
