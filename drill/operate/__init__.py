"""The operator. Flows in: steps of the runbook. Flows out: the same text run by bash, each command recorded
with line, status and times.

world.py       the folder, tools and names that the operator's commands see
traps.bash     what bash reads first: reports each command on a file descriptor of its own
commands.py    those reports, one after the other, made into commands
streaming.py   which commands never end by themselves
keeper.py      a process of its own that starts bash; when the drill is over, or killed, nothing of it is left
operator.py    all of it together: Operator.follow
"""

from drill.operate.commands import EndedCommand
from drill.operate.operator import Operator, ProcedureResult
from drill.operate.world import World

__all__ = ["EndedCommand", "Operator", "ProcedureResult", "World"]
