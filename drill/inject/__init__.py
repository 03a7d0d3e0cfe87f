"""Faults in a drill. Flows in: the fault's name and the drill's recording. Flows out: a fault that was
witnessed, and a target put back.
"""

from drill.faults.catalogue import FAULTS, lacking, not_applicable
from drill.inject.injection import Injection, Users, Witness
from drill.putback.restore import Restored, remember, remember_anew, restore_all

__all__ = [
    "FAULTS",
    "Injection",
    "Restored",
    "Users",
    "Witness",
    "lacking",
    "not_applicable",
    "remember",
    "remember_anew",
    "restore_all",
]
