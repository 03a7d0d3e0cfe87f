"""The monitoring that the runbook assumes, real: Prometheus and Alertmanager beside the target. Flows in:
[monitoring] of drill.toml and the runbook. Flows out: what they say.

prometheus.py  asking a Prometheus: queries, alerts, rules, series
key_metrics.py the runbook's key metrics, each with the query that gives it, and what it gives now
dashboards.py  the pages that show them, as Prometheus' console templates
deploy.py      bringing it up in a cluster that is ours, with the runbook's rules; and down
live.py        an alert, from the injection until it is received; and the same by replay
command.py     `drill monitoring`
"""
