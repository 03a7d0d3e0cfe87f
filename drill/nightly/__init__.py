"""One command for a scheduler: calibrate, drill, compare with the nights before, tell. Flows in: the target's
file. Flows out: a summary, and one exit status.

What needs the cluster are drill's own commands, each a process of its own; the rest reads what they left.

steps.py     those processes
night.py     what a night found, and its exit status
words.py     the summary
post.py      sending it where the user says
command.py   `drill nightly`
"""
