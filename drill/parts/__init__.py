"""The parts of a target besides its application: databases, Redis, backups."""
