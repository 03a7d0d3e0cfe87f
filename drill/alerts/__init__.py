"""Whether anybody would have been called. Flows in: a runbook's alert rules and series of a drill. Flows
out: when each alert would have fired, by Prometheus' own rule engine.

rules.py     the rules of a runbook's fences, byte for byte
series.py    series as scraped, stored, and with a fault's last state held on
engine.py    promtool: whether it takes the rules, and when each alert is pending, fires and ends
recording.py  the series of a drill, as they are scraped (exposed.py, expressions.py)
judging.py   what that means: in time, nobody called, fired besides, undecided
mutants.py   rules changed in one way, and which series notice
replay.py    a drill's series as a monitoring would have seen them (drilled.py: what the judge reads of it)
curves.py    what an alert compares with a number, over time, for pictures
meaning.py   which alerts may fire in a case, and what `detected` and `quiet` make of those that do
table.py     faults by alerts, alerts that no drill lets fire, faults that none announces
leading.py   the sections that an alert leads to, and that by which users recovered in a drill
receiver.py  whoever is on call: takes what Alertmanager sends, and writes it down
command.py   `drill alerts`
"""
