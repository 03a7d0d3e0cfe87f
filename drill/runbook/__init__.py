"""A runbook as data. Flows in: a Markdown file. Flows out: sections, steps (fenced blocks), list items and
numbers, each with its line.

document.py   parse(path) -> Runbook, and looking things up in it
bindings.py   explicit placeholders of a step, and putting values in their place
facts.py      the lists from which limits are read: response times, baselines, backup schedule
errata.py     the defects of the runbook as first written, each with the evidence that proves it
"""

from drill.runbook.bindings import Placeholder, bind, placeholders
from drill.runbook.document import Item, Number, Runbook, Section, Step, parse
from drill.runbook.errata import Defect, Evidence, load_errata
from drill.runbook.facts import backup_schedule_items, baseline_items, severity_limits

__all__ = [
    "Defect",
    "Evidence",
    "Item",
    "Number",
    "Placeholder",
    "Runbook",
    "Section",
    "Step",
    "backup_schedule_items",
    "baseline_items",
    "bind",
    "load_errata",
    "parse",
    "placeholders",
    "severity_limits",
]
