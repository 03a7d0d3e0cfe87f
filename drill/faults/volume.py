"""Files of a part's volume changed where they lie: in the folder of the node that the claim's volume is.

No pod is needed, so the undo works whatever became of the pods that mount it. A volume that is no folder of
a node is refused before anything is broken.
"""

from __future__ import annotations

import re
import secrets
from pathlib import PurePosixPath
from typing import Any

from drill.cluster.access import Cluster, Json
from drill.cluster.objects import path_of
from drill.cluster.pods import container_of
from drill.errors import FaultError
from drill.faults.command import SECRET, without_secret
from drill.faults.fault import Fault, Injected, Parameters, Sight, Site, kind, moment_between
from drill.recording import now
from drill.settings import Backup, Sqlite

SCRIPT_SECONDS = 60
HOSTNAME = "kubernetes.io/hostname"


class VolumeParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Each is run by bash on the node, as root. {file} in them is the database's file or the newest backup,
    {volume} the volume's folder, {secret} a word that only this injection has. `shows`: a pattern that is
    found in what `look` prints while the fault is in. `undo` may run at any time, also when there is nothing
    to undo."""

    inject: str
    undo: str
    look: str
    shows: str


@kind("volume")
class Volume(Fault, frozen=True):
    """As its parameters, for one volume."""

    parameters = VolumeParameters

    part: str
    node: str
    inject_script: str
    undo_script: str
    look_script: str
    shows: str

    @classmethod
    def prepare(cls, site: Site, parameters: VolumeParameters) -> Volume:
        claim, inside = _claim_of(site)
        node, folder = _folder_of(site.cluster, claim)
        file = _newest(site.cluster, node, folder / inside)
        secret = secrets.token_hex(16)

        def filled(script: str) -> str:
            names = {"{file}": str(file), "{volume}": str(folder), SECRET: secret}
            for name, value in names.items():
                script = script.replace(name, value)
            return script

        return cls(
            site.part,
            node,
            filled(parameters.inject),
            filled(parameters.undo),
            filled(parameters.look),
            parameters.shows,
        )

    def shown(self) -> dict[str, Any]:
        return without_secret(super().shown())

    def inject(self, cluster: Cluster) -> Injected:
        before = now()
        first, _, rest = self._run(cluster, f"date +%s.%N; {self.inject_script}").partition("\n")
        return Injected(moment_between(before, float(first)), {"said": rest.strip()})

    def look(self, cluster: Cluster, detail: dict[str, Any]) -> Sight:
        said = self._run(cluster, self.look_script).strip()
        return Sight(bool(re.search(self.shows, said)), f"{self.part}: {said}")

    def undo(self, cluster: Cluster) -> str:
        said = self._run(cluster, self.undo_script).strip()
        if re.search(self.shows, self._run(cluster, self.look_script)):
            raise FaultError(f"{self.part}: the undo ran and the volume still shows {self.shows!r}: {said}")
        return said or "ran the undo"

    def _run(self, cluster: Cluster, script: str) -> str:
        command = ["bash", "-ec", script]
        return cluster.on_node(self.node, command, seconds=SCRIPT_SECONDS).decode(errors="replace")


def _claim_of(site: Site) -> tuple[str, PurePosixPath]:
    """The claim that the part lies on, and where in it its file is; a pattern for backups."""
    part = site.settings.parts.get(site.part)
    if isinstance(part, Sqlite):
        return part.volume_claim, _inside(site.pod_spec(), part.path, site.workload.container)[1]
    if isinstance(part, Backup):
        path = path_of("CronJob", site.cluster.namespace, part.cronjob)
        spec = site.cluster.get(path)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        return _inside(spec, part.newest, spec["containers"][0]["name"])
    raise FaultError(f"{site.part!r}: expected a part of kind sqlite or backup, which lies on a volume")


def _inside(spec: Json, path: str, container_name: str) -> tuple[str, PurePosixPath]:
    container = container_of(spec, container_name)
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in spec.get("volumes") or []
        if "persistentVolumeClaim" in volume
    }
    for mount in container.get("volumeMounts") or []:
        if mount["name"] in claims and PurePosixPath(path).is_relative_to(mount["mountPath"]):
            inside = PurePosixPath(mount.get("subPath", "")) / PurePosixPath(path).relative_to(
                mount["mountPath"]
            )
            return claims[mount["name"]], inside
    raise FaultError(
        f"{path}: expected container {container_name!r} to have it on a claim, it mounts {claims}"
    )


def _folder_of(cluster: Cluster, claim: str) -> tuple[str, PurePosixPath]:
    """The node that a claim's volume is a folder of, and the folder there."""
    name = cluster.get(path_of("PersistentVolumeClaim", cluster.namespace, claim))["spec"].get("volumeName")
    if not name:
        raise FaultError(f"the claim {claim} has no volume yet: there is nothing to change")
    spec = cluster.get(f"/api/v1/persistentvolumes/{name}")["spec"]
    folder = (spec.get("hostPath") or spec.get("local") or {}).get("path")
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []
    nodes = [
        value
        for term in terms
        for each in term.get("matchExpressions") or []
        if each["key"] == HOSTNAME
        for value in each["values"]
    ]
    if not folder or len(nodes) != 1:
        raise FaultError(
            f"the volume {name} of the claim {claim}: expected a folder of one node, it is another"
        )
    return nodes[0], PurePosixPath(folder)


def _newest(cluster: Cluster, node: str, pattern: PurePosixPath) -> PurePosixPath:
    """The last by name of the files that a shell pattern names. Raises FaultError where there is none."""
    script = f'shopt -s nullglob; for each in {pattern}; do newest=$each; done; echo "${{newest:-}}"'
    found = cluster.on_node(node, ["bash", "-c", script]).decode().strip()
    if not found:
        raise FaultError(f"{pattern} on {node}: there is no such file; where it is a backup, make one first")
    return PurePosixPath(found)
