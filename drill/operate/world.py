"""The operator's world (design decision 5). Flows in: what a drill lets the operator have. Flows out: a home
folder and an environment.

Nothing of drill's own environment is in it: no tokens, no proxies, no current context but the target's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from drill.cluster.identity import check_token
from drill.errors import ForeignClusterError, InputError, SetupError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class World:
    """What the operator has.

    kubeconfig: a file with the target's context, and only that, as the current one.
    tools: folders that come first on PATH.
    connect: where names lead, "novel-engine.com:443" -> "127.0.0.1:18443" (through curl's own configuration).
    certificate: the authority that curl trusts, PEM.
    files: what lies in the working folder, name -> file or folder to copy there.
    handed: a folder whose files are brought there too, before each procedure: what was handed over meanwhile.
    variables: more of the environment, such as AWS_ENDPOINT_URL.
    """

    kubeconfig: Path
    tools: tuple[Path, ...] = ()
    connect: Mapping[str, str] = field(default_factory=dict)
    certificate: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    handed: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where its programs are looked for."""
        return os.pathsep.join([*(str(folder.resolve()) for folder in self.tools), SYSTEM_PATH])

    def missing_tools(self, tools: Sequence[str]) -> list[str]:
        """Those of the programs that are not there."""
        return [tool for tool in tools if shutil.which(tool, path=self.path) is None]

    def check(self, context: str) -> None:
        """Raise unless the kubeconfig leads to `context` and nowhere else, and will for an hour."""
        try:
            config = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise SetupError(
                f"{self.kubeconfig}: no such kubeconfig for the operator. `drill up` makes it"
            ) from error
        except yaml.YAMLError as error:
            raise InputError(self.kubeconfig, None, str(error), "a kubeconfig") from error
        current = config.get("current-context") if isinstance(config, dict) else None
        names = (
            [entry.get("name") for entry in config.get("contexts") or []] if isinstance(config, dict) else []
        )
        if current != context or names != [context]:
            raise ForeignClusterError(
                f"{self.kubeconfig}: the operator may have the context {context!r} and no other, as the "
                "current one; "
                f"the file has {names}, current {current!r}"
            )
        check_token(self.kubeconfig)


class Home:
    """A folder for one operator, removed at the end. `environment`: all that its commands inherit; `work`:
    where they start.
    """

    def __init__(self, world: World) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drill-operator-"))
        self.work = self.folder / "work"
        self.work.mkdir()
        config = self.folder / "kubeconfig"
        shutil.copyfile(world.kubeconfig, config)
        config.chmod(0o600)
        lines = [f'connect-to = "{name}:{place}"' for name, place in world.connect.items()]
        if world.certificate is not None:
            lines.append(f'cacert = "{world.certificate.resolve()}"')
        (self.folder / ".curlrc").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self._brought: dict[str, int] = {}
        self.environment = {
            "PATH": world.path,
            "HOME": str(self.folder),
            "CURL_HOME": str(self.folder),
            "KUBECONFIG": str(config),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "USER": "operator",
            **world.variables,
        }

    def bring_files(self, world: World) -> None:
        """Copy what is not in the working folder yet, or has changed since; what a procedure did to the
        others stays done."""
        handed = sorted(world.handed.iterdir()) if world.handed is not None and world.handed.is_dir() else []
        for name, source in {**world.files, **{file.name: file for file in handed}}.items():
            changed = source.stat().st_mtime_ns
            if self._brought.get(name) != changed:
                destination = self.work / name
                destination.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, destination, dirs_exist_ok=True)
                else:
                    shutil.copy2(source, destination)
                self._brought[name] = changed

    def remove(self) -> None:
        """Leave nothing on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)
