"""A runbook as data. Flows in: a Markdown file. Flows out: sections, steps (fenced blocks) and list
items, each with its line.

markdown.py   parse(path) -> Runbook
sessions.py   the commands of a terminal session, without prompts and output
document.py   what a runbook is made of, and looking things up in it
bindings.py   explicit placeholders of a step, and putting values in their place
facts.py      the lists from which limits are read: response times, baselines, backup schedule
checklists.py the items of its checklists, each with what proves it
answers.py    what its scripts tell, line by line
symptoms.py   the symptoms that its sections list, each with what of a recording tells it
errata.py     the defects of the runbook as first written, each with the evidence that proves it
"""

from drill.runbook.answers import script_lines
from drill.runbook.bindings import Placeholder, bind, placeholders
from drill.runbook.checklists import ChecklistItem, checklist_items
from drill.runbook.document import Runbook, Section, StatedItem, Step
from drill.runbook.errata import Defect, Evidence, load_errata
from drill.runbook.facts import backup_schedule_items, baseline_items, severity_limits
from drill.runbook.markdown import parse
from drill.runbook.symptoms import ListedSymptom, listed_symptoms

__all__ = [
    "ChecklistItem",
    "Defect",
    "Evidence",
    "ListedSymptom",
    "Placeholder",
    "Runbook",
    "Section",
    "StatedItem",
    "Step",
    "backup_schedule_items",
    "baseline_items",
    "bind",
    "checklist_items",
    "listed_symptoms",
    "load_errata",
    "parse",
    "placeholders",
    "script_lines",
    "severity_limits",
]
