"""Which field of the report speaks to which demand. A table for who reads it, not a claim: whether a demand
is met is for an auditor to say, who sees what no drill sees."""

from __future__ import annotations

from typing import NamedTuple


class Demand(NamedTuple):
    """`asks`: in our words; `fields`: sections of the report."""

    source: str
    asks: str
    fields: str


DEMANDS = (
    Demand(
        "SOC 2 A1.2", "recovery infrastructure and backups are run and watched", "Execution: backup; Results"
    ),
    Demand("SOC 2 A1.3", "recovery plan procedures are tested", "Plan; Execution; Results; Findings"),
    Demand(
        "ISO 22301 8.5",
        "exercises with aims and scenarios, reports after them, and action on those",
        "Plan; Results; Findings; Governance",
    ),
    Demand(
        "ISO 27001 A.5.30",
        "ICT readiness is planned and tested against recovery time objectives",
        "Plan: objectives; Results: recovery time",
    ),
    Demand(
        "ISO 27001 A.8.13",
        "backups are tested by restoring them",
        "Execution: backup; Results: reconciliation of data",
    ),
    Demand(
        "DORA art. 11",
        "response and recovery plans are tested at least yearly, findings are followed up",
        "Plan; Findings; Governance: coverage, next date",
    ),
    Demand(
        "DORA art. 12",
        "restoring is tested, data is reconciled, recovery time and recovery point are set",
        "Results: recovery time, data age, reconciliation",
    ),
    Demand(
        "NIST SP 800-84",
        "a plan before, an evaluation and an after-action report afterwards",
        "Plan; Execution; Results; Findings",
    ),
    Demand(
        "FFIEC BCM VII.K",
        "results are documented against objectives, issues are tracked and retested",
        "Results; Findings; Governance",
    ),
)
