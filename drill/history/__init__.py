"""What is remembered of every run: one SQLite file, whose place [history] in drill.toml names. Flows in: the
folders of stored runs. Flows out: series, change points, and when each piece of the runbook was last proven.

taken.py     what is remembered of a stored run, as records
elsewhere.py what else the machine did meanwhile, and what the target's pods used
schema.py    the tables
store.py     the file: appending, reading; concurrent and killed writers lose nothing
series.py    one measure of one drill over runs, with where it changed
proven.py    when procedures, alerts and items of checklists were last proven, and what makes that stale
flaky.py     drills whose verdict differs from run to run although nothing changed
badge.py     one line of that as a picture
picture.py   small multiples of all series, one HTML file
words.py     the same as text
command.py   `drill history`
"""
