"""How long a service that is out is watched: the pure part of watching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["watch on", "time is up", "nothing will come"]
QUIET_SECONDS = 6.0
"""Nothing must have been on its way for so long: more than the judge looks back."""


@dataclass(frozen=True)
class Patience:
    """Monotonic seconds. `since`: when the last one acted, or the fault was in where nobody does; `seconds`:
    how long nothing need happen after that; `limit`: the severity's response time has passed at this moment;
    `latest`: watching ends here, whatever is on its way."""

    since: float
    seconds: float
    limit: float
    latest: float

    def at(self, moment: float, moved: float) -> Verdict:
        """What to do about a service that is still out. `moved`: when something in the cluster was last on
        its way, or nobody could look."""
        if moment >= min(self.limit, self.latest):
            return "time is up"
        if moment < self.since + self.seconds or moment < moved + QUIET_SECONDS:
            return "watch on"
        return "nothing will come"
