"""Faults in a drill: witnessed, and undone whatever happens."""

from drill.inject.experiment import fault_names, lacking, not_applicable, planned_fault
from drill.inject.injection import Injection, Witness
from drill.inject.witness import UsersSeen

__all__ = [
    "Injection",
    "UsersSeen",
    "Witness",
    "fault_names",
    "lacking",
    "not_applicable",
    "planned_fault",
]
