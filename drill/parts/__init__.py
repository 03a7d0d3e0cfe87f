"""The parts of a target besides its application: databases, Redis, backups."""

from drill.parts.catalogue import (
    dated_part,
    forgetting_parts,
    keeping_parts,
    part_named,
    parts_of,
    searchable_part,
)

__all__ = ["dated_part", "forgetting_parts", "keeping_parts", "part_named", "parts_of", "searchable_part"]
