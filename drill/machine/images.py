"""Images of any name in a kind cluster. Flows in: names. Flows out: their ids, once every node holds them.

An id is the digest of an image's configuration: two names of one id are one image.
"""

from __future__ import annotations

from collections.abc import Sequence

from drill.errors import UsageError
from drill.machine.kind import name_of, nodes_of
from drill.machine.node_image import has_image
from drill.machine.stage import output, stage
from drill.machine.target import load_into
from drill.settings import Settings

RUNNING = "running"
ID = "sha256:"
HUB = "docker.io/"
LIBRARY = f"{HUB}library/"


def ensure_in_nodes(settings: Settings, names: Sequence[str], running: str) -> dict[str, str]:
    """Name -> id of each image, which every node holds when this returns: loaded from this machine's engine
    where that has it in another version than a node, else as the nodes have it. The image of the name
    `running` stays as the nodes have it, whatever was built under that name since. Raises UsageError for an
    image that neither has; then nothing was changed."""
    nodes = [node.name for node in nodes_of(name_of(settings)) if node.state == RUNNING]
    held = {node: images_in(node) for node in nodes}
    ids = {}
    for name in dict.fromkeys(names):
        places = (_id_in(name, held), _id_here(name))
        ids[name] = next(filter(None, places if name == running else reversed(places)), "")
    unknown = [name for name, found in ids.items() if not found]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: neither this machine's engine nor each node of {settings.target.context} "
            "has that image; nothing was changed. Build it (docker build -t NAME), or name one that there is"
        )
    for name, found in ids.items():
        lacking = [node for node in nodes if held[node].get(full_name(name)) != found]
        if lacking:
            with stage(f"loading {name} into {', '.join(lacking)}"):
                load_into(lacking, [name])
    return ids


def images_in(node: str) -> dict[str, str]:
    """Full name -> id of what a node holds. Its containerd lists each image by its names and by its id, and
    tells by the manifest's digest that they are one; an image that it does not list by its id has that
    digest here."""
    listing = output(
        ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images", "list"], why="list a node's images"
    )
    rows = [line.split()[:3] for line in listing.splitlines()[1:]]
    manifests = {name: manifest for name, _, manifest in rows}
    ids = {manifest: name for name, manifest in manifests.items() if name.startswith(ID)}
    return {
        name: ids.get(manifest, manifest) for name, manifest in manifests.items() if not name.startswith(ID)
    }


def full_name(name: str) -> str:
    """As a node lists it.

    >>> full_name("web"), full_name("registry.example.org/web:1")
    ('docker.io/library/web:latest', 'registry.example.org/web:1')
    """
    tagged = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    first, slash, _ = tagged.partition("/")
    if not slash:
        return f"{LIBRARY}{tagged}"
    return tagged if "." in first or ":" in first or first == "localhost" else f"{HUB}{tagged}"


def _id_here(name: str) -> str:
    """Of the engine's image; empty where it has none of that name."""
    if not has_image(name):
        return ""
    return output(["docker", "image", "inspect", "--format", "{{.Id}}", name], why="read an image's id")


def _id_in(name: str, held: dict[str, dict[str, str]]) -> str:
    """As all nodes have it; empty where one lacks it, or they differ."""
    found = {images.get(full_name(name), "") for images in held.values()}
    return found.pop() if len(found) == 1 else ""
