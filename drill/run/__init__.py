"""A run on disk: reports/<run>/, which stands alone. Judging, report and coverage read nothing else.

run.json          facts.py: what ran, with what, on what, in which order, and what went wrong
manifest.json     manifest.py: the SHA-256 of every other file
inputs/           inputs.py: drill.toml, runbooks and what lies beside, experiments, features, as they were
evidence/<drill>/ the drills of this run
controls/<name>/  copies of controls that an earlier run measured (kept.py)
index.html, summary.json, summary.md, evidence/<drill>/verdict.json    made from the rest, any number of times

child.py          a run begun by another command of drill, which ends with it
"""

from drill.run.facts import Facts, Finding, Input, KeptFacts, StoredDrill, read_facts
from drill.run.outcome import as_expected, exit_status

__all__ = [
    "Facts",
    "Finding",
    "Input",
    "KeptFacts",
    "StoredDrill",
    "as_expected",
    "exit_status",
    "read_facts",
]
