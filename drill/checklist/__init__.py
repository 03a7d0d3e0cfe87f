"""The runbook's checklists: each item with what proves it, and how old that is.

attestations.py  attestations.yaml: what people say that they did
carry_out.py     the commands that prove items
state.py         each item as it stands
words.py         the table
command.py       `drill checklist`
"""
