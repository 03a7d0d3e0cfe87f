"""Faults of Redis: killed, or locked by a password set at run time. Flows in, flows out: see
drill.faults.fault.
"""

from __future__ import annotations

import secrets
from typing import Any

from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import running_pods
from drill.errors import FaultError
from drill.faults.fault import Arguments, Injected, Part, Sight, moment_between
from drill.faults.processes import kill_arguments, kill_containers, look_for_dead, replace_killed
from drill.recording import now
from drill.settings import Redis, Settings, Workload

LOCK_SCRIPT = "date +%s.%N; exec redis-cli"


def _redis(settings: Settings) -> Workload:
    part = settings.part("redis")
    if not isinstance(part, Redis):
        raise FaultError("expected a part of kind redis in the target's file, there is none")
    return settings.workload(part.workload)


class RedisKilled:
    """SIGKILLs Redis."""

    name = "redis-killed"
    needs: tuple[Part, ...] = ("redis",)
    witness = "the container runtime holds the killed Redis container for dead"

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        return kill_arguments(cluster, _redis(settings).name, _redis(settings).container)

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        return kill_containers(cluster, arguments)

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        return look_for_dead(cluster, detail)

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        return replace_killed(cluster, arguments)


class RedisLockedOut:
    """Sets a password at run time and drops the open connections: clients are refused, while `redis-cli ping`
    still exits with 0.
    """

    name = "redis-locked-out"
    needs: tuple[Part, ...] = ("redis",)
    witness = "Redis answers NOAUTH"

    def prepare(self, cluster: Cluster, settings: Settings, identity: str) -> Arguments:
        redis = _redis(settings)
        return {
            "deployment": redis.name,
            "container": redis.container,
            "password": secrets.token_hex(16),
        }

    def inject(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> Injected:
        before = now()
        locked = (
            f"CONFIG SET requirepass {arguments['password']}\nCLIENT KILL TYPE normal SKIPME "
            "yes\nCLIENT KILL TYPE pubsub\n"
        )
        answers = [
            self._say(cluster, arguments, pod, locked, ["sh", "-c", LOCK_SCRIPT])
            for pod in self._pods(cluster, arguments)
        ]
        for wall, accepted, *_ in answers:
            if accepted != "OK":
                raise FaultError(
                    f"Redis would not take a password: expected OK, it answered {accepted!r} (at {wall})"
                )
        at = moment_between(before, min(float(answer[0]) for answer in answers))
        return Injected(at, {"connections_dropped": [answer[2:] for answer in answers]})

    def look(
        self, cluster: Cluster, settings: Settings, arguments: Arguments, detail: dict[str, Any]
    ) -> Sight:
        answers = [self._ping(cluster, arguments, pod) for pod in self._pods(cluster, arguments)]
        return Sight(
            all(answer.startswith("NOAUTH") for answer in answers), f"Redis answers {', '.join(answers)}"
        )

    def undo(self, cluster: Cluster, settings: Settings, arguments: Arguments) -> str:
        done = "Redis asks for no password: nothing was left to undo"
        try:
            pods = self._pods(cluster, arguments)
            for pod in pods:
                if self._ping(cluster, arguments, pod) != "PONG":
                    self._say(
                        cluster,
                        arguments,
                        pod,
                        f'AUTH {arguments["password"]}\nCONFIG SET requirepass ""\n',
                        ["redis-cli"],
                    )
                    done = "took the password away"
            still = [pod for pod in pods if self._ping(cluster, arguments, pod) != "PONG"]
        except (ClusterError, FaultError):
            # it is being restarted at this moment: a new container knows no password that was set at run time
            still = []
        for pod in still:
            cluster.delete(cluster.core("pods", pod), grace_seconds=5)
            done = f"replaced {pod}, which refused the password"
        return done

    def _pods(self, cluster: Cluster, arguments: Arguments) -> list[str]:
        pods = [
            pod["metadata"]["name"]
            for pod in running_pods(cluster, arguments["deployment"], arguments["container"])
        ]
        if not pods:
            raise FaultError(
                f"no running container {arguments['container']!r} in any pod of {arguments['deployment']}: "
                "there is no Redis to talk to"
            )
        return pods

    def _ping(self, cluster: Cluster, arguments: Arguments, pod: str) -> str:
        answers = self._say(cluster, arguments, pod, "PING\n", ["redis-cli"])
        return answers[0] if answers else ""

    def _say(
        self, cluster: Cluster, arguments: Arguments, pod: str, lines: str, command: list[str]
    ) -> list[str]:
        """Give redis-cli these commands; its answers, a line each."""
        said = cluster.exec(pod, arguments["container"], command, stdin=lines.encode(), seconds=15)
        return [line for line in said.decode().splitlines() if line]
