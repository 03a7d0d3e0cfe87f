"""The reference target in the cluster. Flows in: settings (images, manifests). Flows out: a deployed target
that users can reach.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import measured_pods
from drill.errors import DeadlineError, SetupError
from drill.machine.kind import name_of, nodes_of
from drill.machine.kube_state_metrics import IMAGE as KUBE_STATE_METRICS
from drill.machine.node_image import BASE, ensure_base_image, has_image
from drill.machine.stage import output, say, stage
from drill.parts.health import wait_until_healthy
from drill.settings import Image, Settings

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
HELD = "/kind/drill-images"
"""In a node: the images that it was given, with their digests."""
NOT_IN_IMAGES = frozenset({"__pycache__", "manifests"})
HEALTHY_SECONDS = 120
PIECE_BYTES = 1 << 20


def ensure_target(settings: Settings, cluster: Cluster) -> None:
    """Build the target's images where their sources changed, load them, apply the manifests and wait until
    users are served.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        if settings.target.manifests is None:
            say("==> the target brings no manifests: it is expected to be deployed already")
        else:
            build_images(settings, settings.target.images)
            control_plane, *workers = (node.name for node in nodes_of(name_of(settings)))
            changed = load_images(settings, settings.target.images, workers or [control_plane])
            users = _users_of(changed, cluster)
            # nothing of the target starts there by itself, so nothing waits for it to have the images
            spare = beside.submit(load_images, settings, settings.target.images, [control_plane])
            with stage(f"applying {settings.target.manifests}"):
                cluster.kubectl("apply", "-k", str(settings.root / settings.target.manifests))
                _restart(users, cluster)
        with stage(f"waiting until {settings.target.address}{settings.target.health_path} answers 200"):
            _wait_until_serving(settings, cluster)
        with stage("waiting until the metrics API knows its pods"):
            _wait_for_metrics(settings, cluster)
        if settings.target.manifests is not None:
            spare.result()


def _wait_for_metrics(settings: Settings, cluster: Cluster) -> None:
    """The autoscaler and `kubectl top` read it, and it takes some seconds after every start. Raises
    SetupError.
    """

    def look() -> str:
        try:
            return f"{measured_pods(cluster, settings.target.namespace)} pods measured"
        except ClusterError as error:
            return str(error)

    try:
        wait.until(
            "the metrics API to measure a pod",
            look,
            lambda seen: seen.endswith("measured") and not seen.startswith("0 "),
            seconds=HEALTHY_SECONDS,
        )
    except DeadlineError as error:
        raise SetupError(
            f"{error}; `kubectl logs -n kube-system deployment/metrics-server` may say why"
        ) from error


def _wait_until_serving(settings: Settings, cluster: Cluster) -> None:
    """Wait until the target is well. Raises SetupError with what was last seen, and its pods."""
    try:
        wait_until_healthy(cluster, settings, seconds=HEALTHY_SECONDS)
    except DeadlineError as error:
        pods = cluster.kubectl("get", "pods", "-n", settings.target.namespace).decode()
        raise SetupError(f"{error}\n{pods}") from error


def digest_of(settings: Settings, image: Image) -> str:
    """What the image is made of: every file of its context but tests' leftovers, manifests, monitoring and
    what lies in a context of another image's own below it; and the target's image that it begins with, where
    it begins with one."""
    context = settings.root / image.context
    others = [settings.root / each.context for each in settings.target.images]
    others = [folder for folder in others if folder != context and folder.is_relative_to(context)]
    digest = sha256(str(image.dockerfile).encode())
    beside = None if settings.monitoring is None else settings.root / settings.monitoring.manifests
    if beside is not None and context.is_relative_to(beside):
        beside = None
    for file in sorted(
        path
        for path in context.rglob("*")
        if path.is_file()
        and not NOT_IN_IMAGES.intersection(path.relative_to(context).parts)
        and not (beside is not None and path.is_relative_to(beside))
        and not any(path.is_relative_to(folder) for folder in others)
    ):
        digest.update(str(file.relative_to(context)).encode() + b"\0" + file.read_bytes())
    begins = (settings.root / image.dockerfile).read_text(encoding="utf-8")
    for base in settings.target.images:
        if base != image and re.search(rf"^FROM {re.escape(base.name)}$", begins, re.MULTILINE):
            digest.update(digest_of(settings, base).encode())
    return digest.hexdigest()[:16]


def build_images(settings: Settings, images: Sequence[Image]) -> None:
    """Build those whose sources are not those of the image that is here."""
    stale = [
        image for image in images if not has_image(image.name) or _label(image) != digest_of(settings, image)
    ]
    if stale:
        ensure_base_image()
    for image in stale:
        with stage(f"building the image {image.name}"):
            secret = ["--secret", f"id=ca,src={CERTIFICATES}"] if CERTIFICATES.exists() else []
            labels = [
                "--build-arg",
                f"BASE={BASE}",
                "--label",
                f"drill.digest={digest_of(settings, image)}",
                "-t",
                image.name,
            ]
            sources = ["-f", str(settings.root / image.dockerfile), str(settings.root / image.context)]
            command = [
                "env",
                "DOCKER_BUILDKIT=1",
                "docker",
                "build",
                "--quiet",
                "--network",
                "host",
                *secret,
                *labels,
                *sources,
            ]
            output(command, why=f"build the image {image.name}")


def _label(image: Image) -> str:
    return output(
        ["docker", "image", "inspect", "--format", '{{index .Config.Labels "drill.digest"}}', image.name],
        why="read an image's label",
    )


def load_images(settings: Settings, images: Sequence[Image], nodes: Sequence[str]) -> list[str]:
    """Load into each node what it does not hold in the same version; their names. A node keeps the digests of
    what it was given in a file of its own.
    """
    return load_named_images({image.name: digest_of(settings, image) for image in images}, nodes)


def load_named_images(digests: Mapping[str, str], nodes: Sequence[str], held_in: str = HELD) -> list[str]:
    """The same of images by name, each with the digest of what it is made of. `held_in`: the node's file."""
    missing: dict[str, list[str]] = {}
    for node in nodes:
        held = output(
            ["docker", "exec", node, "sh", "-c", f"touch {held_in}; cat {held_in}"],
            why="ask a node for its images",
        ).splitlines()
        missing[node] = [name for name, digest in digests.items() if f"{name} {digest}" not in held]
    stale = [name for name in digests if any(name in names for names in missing.values())]
    lacking = [node for node, names in missing.items() if names]
    if stale:
        with stage(f"loading {', '.join(stale)} into {', '.join(lacking)}"):
            load_into(lacking, stale)
            lines = "\n".join(f"{name} {digest}" for name, digest in digests.items())
            for node in lacking:
                output(
                    ["docker", "exec", node, "sh", "-c", f"printf '{lines}\n' > {held_in}"],
                    why="mark the images as loaded",
                )
    return stale


def load_into(nodes: Sequence[str], images: Sequence[str]) -> None:
    """All images into all nodes, read from the engine once; what the images share is sent once."""
    take = ["ctr", "--namespace", "k8s.io", "images", "import", "--digests", "--snapshotter=overlayfs", "-"]
    with ExitStack() as stack:
        source = stack.enter_context(subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE))
        takers = [
            stack.enter_context(
                subprocess.Popen(
                    ["docker", "exec", "-i", node, *take], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
                )
            )
            for node in nodes
        ]
        assert source.stdout is not None
        while piece := source.stdout.read(PIECE_BYTES):
            for taker in takers:
                assert taker.stdin is not None
                with suppress(BrokenPipeError):  # its exit status tells
                    taker.stdin.write(piece)
        for taker in takers:
            assert taker.stdin is not None
            with suppress(BrokenPipeError):
                taker.stdin.close()
    for process in (source, *takers):
        if process.returncode != 0:
            raise SetupError(
                f"could not load {', '.join(images)} into the cluster: `{' '.join(map(str, process.args))}` "  # type: ignore[arg-type]
                f"ended with exit status {process.returncode}; what it said stands above"
            )


def _users_of(images: list[str], cluster: Cluster) -> list[str]:
    """Deployments that run one of these images now; none where the namespace is not there yet."""
    deployments = cluster.get(cluster.apps("deployments"))["items"] if images else []
    containers = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"] for each in deployments
    }
    return [
        name for name, used in containers.items() if any(container["image"] in images for container in used)
    ]


def _restart(deployments: list[str], cluster: Cluster) -> None:
    """The name of a changed image stays the same, so its pods would go on with the one before."""
    for name in deployments:
        cluster.kubectl("rollout", "restart", f"deployment/{name}", "-n", cluster.namespace)
        cluster.kubectl(
            "rollout", "status", f"deployment/{name}", "-n", cluster.namespace, "--timeout=120s", seconds=130
        )


def remove_images(settings: Settings) -> None:
    """Remove the target's images from the engine, and those of its monitoring."""
    monitoring = settings.monitoring
    images = [*settings.target.images, *(monitoring.images if monitoring is not None else ())]
    for name in (*(image.name for image in images), KUBE_STATE_METRICS):
        if has_image(name):
            output(["docker", "image", "rm", "--force", name], why=f"remove the image {name}")
    output(
        ["docker", "image", "prune", "--force", "--filter", "label=drill.digest"],
        why="remove what later builds replaced",
    )
