"""A Redis server, asked through redis-cli in its own container, where REDISCLI_AUTH may hold a password."""

from __future__ import annotations

from drill.cluster.health import Health, running_pods
from drill.parts.part import TargetPart
from drill.settings import Redis, Workload

PONG = "PONG"
ASK_SECONDS = 15


class Part(TargetPart):
    """The Redis of a target."""

    @property
    def workload(self) -> Workload:
        return self.settings.workload(self.described_as(Redis).workload)

    def health(self) -> Health:
        workload = self.workload
        pods = running_pods(self.cluster, workload.name, workload.container, workload.kind)
        answers = [
            self.cluster.exec(
                pod["metadata"]["name"], workload.container, ["redis-cli", "PING"], seconds=ASK_SECONDS
            )
            .decode(errors="replace")
            .strip()
            for pod in pods
        ]
        well = bool(answers) and all(answer == PONG for answer in answers)
        return Health(well, f"{self.name} answers {', '.join(answers) or 'nothing: no pod runs'}")
