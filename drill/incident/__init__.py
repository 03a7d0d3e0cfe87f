"""What would have been told to others while users were out: the runbook's own incident template, filled from
a stored run.

severity.py     how severe it was, from what users felt, by the runbook's own levels
course.py       when it began, what became of it, what it cost users
escalation.py   who is called when, by the runbook's own list
template.py     the template's fields and placeholders, each bound or named as unknown
notice.py       all of it for one drill
severities.py   the severity of each drill of a run against that of its fault's section
words.py        text, Markdown, JSON
command.py      `drill incident`
"""
