"""kube-state-metrics, from its sources. Flows in: cluster/kube-state-metrics. Flows out: an image that this
machine has.

Compiled on this machine, since only package registries may be reached; Go's own cache makes the second time
quick. Only monitoring needs it, so it comes when monitoring is asked for.
"""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from drill.machine.node_image import has_image, with_go
from drill.machine.stage import output, run, stage
from drill.programs import cache_folder

IMAGE = "kube-state-metrics:drill"
SOURCES = Path(__file__).resolve().parents[2] / "cluster" / "kube-state-metrics"
PROGRAM = "kube-state-metrics"
LABEL = '{{index .Config.Labels "drill.digest"}}'


def digest() -> str:
    """Of what the image is made of."""
    made_of = sha256()
    for file in sorted(SOURCES.iterdir()):
        made_of.update(file.name.encode() + b"\0" + file.read_bytes())
    return made_of.hexdigest()[:16]


def ensure_image() -> None:
    """Have the image, compiled and built where it is not here or its sources have changed."""
    if has_image(IMAGE) and _label() == digest():
        return
    program = _compiled()
    with stage(f"building the image {IMAGE}"), tempfile.TemporaryDirectory(dir=cache_folder()) as name:
        shutil.copy2(program, Path(name) / PROGRAM)
        shutil.copy2(SOURCES / "Dockerfile", name)
        labels = ["--label", f"drill.digest={digest()}", "-t", IMAGE]
        output(
            ["env", "DOCKER_BUILDKIT=1", "docker", "build", "--quiet", *labels, name],
            why=f"build the image {IMAGE}",
        )


def _label() -> str:
    return output(["docker", "image", "inspect", "--format", LABEL, IMAGE], why="read an image's label")


def _compiled() -> Path:
    """The program, up to date: Go itself knows what has to be compiled."""
    folder = cache_folder() / "bin"
    environment = {
        **with_go(),
        "GOBIN": str(folder),
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath -mod=readonly",
        "GOTOOLCHAIN": "local",
    }
    command = ["env", "-C", str(SOURCES), "go", "install", "-ldflags", "-s -w", "tool"]
    with stage("compiling kube-state-metrics (some minutes, once)"):
        folder.mkdir(parents=True, exist_ok=True)
        run(command, why="compile kube-state-metrics", environment=environment)
    return folder / PROGRAM
