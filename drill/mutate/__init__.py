"""Does the suite notice a broken runbook? Flows in: the corrected runbook and the scenarios that follow it.
Flows out: mutants of it, and which of them lint and drills catch.

mutant.py      one place spoilt: id, lines, the whole text
operators.py   how a runbook is spoilt
followers.py   which scenario follows which lines
equivalent.py  mutants that no check could tell, with their reasons
reading.py     mutants under drill lint
held.py        one command at a time in a folder of results
workbench.py   pytest in a copy of the target's folder with a mutated runbook
drilling.py    mutants under drills, by budget
state.py       what is known so far, on disk
words.py       what is said of it
command.py     `drill mutate`
ablation.py    `drill ablation`: the mutants that leave a command out, told by procedure
"""
