"""A command run in each container of a workload, and another that puts things back."""

from __future__ import annotations

import re
import secrets
from typing import Any

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import running_pods
from drill.errors import DeadlineError, FaultError
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, kind, moment_between
from drill.recording import now

COMMAND_SECONDS = 15
UNDO_SHOWS_SECONDS = 5
SECRET, KEPT = "{secret}", "{kept}"


class CommandParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Each is run by `sh -c` in the container; {secret} in them is a word that only this injection has,
    {kept} what `keep` printed before anything was broken. `accepted`: a pattern that must be found in what
    `inject` prints; `shows`: a pattern that is found in what `look` prints while the fault is in. `undo` may
    run at any time, also when there is nothing to undo."""

    inject: str
    undo: str
    look: str
    shows: str
    accepted: str = ""
    keep: str = ""


@kind("command")
class Command(Fault, frozen=True):
    """As its parameters, for the containers of one workload."""

    parameters = CommandParameters

    workload: str
    workload_kind: str
    container: str
    inject_script: str
    undo_script: str
    look_script: str
    shows: str
    accepted: str

    @classmethod
    def prepare(cls, site: Site, parameters: CommandParameters) -> Command:
        secret, workload = secrets.token_hex(16), site.workload
        kept = _kept(site, parameters.keep) if parameters.keep else ""
        inject, undo, look = (
            site.filled(script).replace(SECRET, secret).replace(KEPT, kept)
            for script in (parameters.inject, parameters.undo, parameters.look)
        )
        return cls(
            workload.name,
            workload.kind,
            workload.container,
            inject,
            undo,
            look,
            parameters.shows,
            parameters.accepted,
        )

    def shown(self) -> dict[str, Any]:
        # the only word of 32 hexadecimal digits in the scripts
        return without_secret(super().shown())

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        # the container's clock is this machine's: it tells the moment more exactly than the way there and
        # back
        answers = [
            self._run(cluster, pod, f"date +%s.%N; {self.inject_script}") for pod in self._pods(cluster)
        ]
        moments, said = [], []
        for answer in answers:
            first, _, rest = answer.partition("\n")
            moments += [float(first)] if re.fullmatch(r"\d+\.\d+", first) else []
            said.append(rest.strip())
            if not re.search(self.accepted, rest):
                raise FaultError(
                    f"{self.workload}: expected an answer like {self.accepted!r} to the injection, "
                    f"it was {rest!r}"
                )
        return Injected(moment_between(before, min(moments, default=before.wall)), {"said": said})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        answers = [self._run(cluster, pod, self.look_script).strip() for pod in self._pods(cluster)]
        return Sight(
            all(re.search(self.shows, answer) for answer in answers),
            f"{self.workload} answers {', '.join(answers)}",
        )

    def undo(self, cluster: Cluster) -> str:
        """Run the undo where the fault shows; a pod that shows it still afterwards is replaced."""
        try:
            pods = self._pods(cluster)
            for pod in pods:
                self._run(cluster, pod, self.undo_script)
            still = self._still_showing(cluster, pods)
        except (ClusterError, FaultError):
            # it is being restarted at this moment: a new container knows nothing of what was done at run time
            return f"{self.workload} could not be asked: what was done in its containers ends with them"
        for pod in still:
            cluster.delete(cluster.core("pods", pod), grace_seconds=5)
        return f"replaced {', '.join(still)}, which still showed it" if still else "ran the undo"

    def _still_showing(self, cluster: Cluster, pods: list[str]) -> list[str]:
        def look() -> list[str]:
            return [pod for pod in pods if re.search(self.shows, self._run(cluster, pod, self.look_script))]

        try:
            return wait.until(
                f"{self.workload} to show no more of it",
                look,
                lambda still: not still,
                seconds=UNDO_SHOWS_SECONDS,
            )
        except DeadlineError:
            return look()

    def _pods(self, cluster: Cluster) -> list[str]:
        pods = running_pods(cluster, self.workload, self.container, self.workload_kind)
        if not pods:
            raise FaultError(
                f"no running container {self.container!r} in any pod of {self.workload}: there is nothing to "
                "run a command in"
            )
        return [pod["metadata"]["name"] for pod in pods]

    def _run(self, cluster: Cluster, pod: str, script: str) -> str:
        return cluster.exec(pod, self.container, ["sh", "-c", script], seconds=COMMAND_SECONDS).decode(
            errors="replace"
        )


def _kept(site: Site, script: str) -> str:
    workload = site.workload
    pods = running_pods(site.cluster, workload.name, workload.container, workload.kind)
    if not pods:
        raise FaultError(f"no pod of {workload.name} runs: what is to be put back cannot be asked")
    command = ["sh", "-c", script]
    said = site.cluster.exec(
        pods[0]["metadata"]["name"], workload.container, command, seconds=COMMAND_SECONDS
    )
    return said.decode(errors="replace").strip()


def without_secret(shown: dict[str, Any]) -> dict[str, Any]:
    """A record for people, with {secret} again in the place of the word that only this injection has."""
    return {
        name: re.sub(r"\b[0-9a-f]{32}\b", SECRET, value) if isinstance(value, str) else value
        for name, value in shown.items()
    }
