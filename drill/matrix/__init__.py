"""What if the on-call opens the wrong page? Flows in: the procedures that scenarios follow, and the faults of
other sections. Flows out: what each does to users under each, by comparison with nobody acting.

crossing.py  procedures, faults, and a scenario for each pair
order.py     which pairs first, so that a table that is broken off says most
kept.py      what happens where nobody acts, from controls that are kept
effect.py    from the verdicts of two drills to one word
state.py     what is known so far, on disk
work.py      drills, by budget
words.py     the table, and the same as JSON
diagnosis.py how often a section's symptoms hold under its faults and only there, from stored runs
diagnosis_words.py  the same as a table
answers.py   what the runbook's scripts answer under each fault, against the truth
stored.py    the drills of stored runs
command.py   `drill matrix`
"""
