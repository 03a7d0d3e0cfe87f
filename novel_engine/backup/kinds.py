"""The runbook's backup schedule as a table: each kind's file, greatest age and what is in it. An hour's
grace: a backup takes a while, and the next one is made while the last still counts.
"""

from __future__ import annotations

from novel_engine.backup import configuration, data, database, infrastructure
from novel_engine.backup.store import Kind

DATABASE = Kind("database", "novel-engine-backup.db", 6 + 1, database.inspect)
CONFIGURATION = Kind("configuration", "backup-k8s-%Y%m%d.yaml", 24 + 1, configuration.inspect)
DATA = Kind("data", "backup-data-%Y%m%d.tar.gz", 24 + 1, data.inspect)
INFRASTRUCTURE = Kind("infrastructure", "backup-terraform-%Y%m%d.tfstate", 7 * 24 + 1, infrastructure.inspect)
KINDS = {kind.name: kind for kind in (DATABASE, CONFIGURATION, DATA, INFRASTRUCTURE)}
