"""A service on the small cluster whose drills are a real pytest in a process of its own: each run is a
recording of what the image that runs at that moment is like, judged by the real judge. The engine is a
program that knows images by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from small_cluster import SmallCluster

ROOT = Path(__file__).parents[3]
LONG_SECONDS = 600.0
"""A bound for what hangs only: a decision takes half a minute, and a minute where the machine is busy."""
CONFTEST = """
import os, signal
from pathlib import Path

import msgspec
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.putback import close_drill, open_drill, put_back
from drill.run.facts import Cluster, read_facts, write_facts
from drill.run.manifest import write_manifest
from tests.unit.evidence.judged_runs import judged_run

LIKE = {like!r}


def pytest_addoption(parser):
    for option in ("--target", "--run", "--reports"):
        parser.addoption(option)


def pytest_configure(config):
    config.addinivalue_line("markers", "gate: of the gate")
    signal.signal(signal.SIGTERM, end)


def end(*_):
    raise KeyboardInterrupt


def image_now(cluster):
    return cluster.workload("web")["spec"]["template"]["spec"]["containers"][0]["image"]


def drill(config):
    settings = target_settings.load(config.getoption("--target"))
    cluster = connect(settings)
    put_back(settings, cluster)
    open_drill(settings, cluster)
    try:
        cluster.scale("web", 0)
        {meanwhile}
    finally:
        close_drill(settings, cluster)
    image = image_now(cluster)
    run = config.getoption("--run")
    like = {{name: dict.fromkeys(range(20000), value) if name == "slow" else value
             for name, value in LIKE.get(run, LIKE.get(image, {{}})).items()}}
    folder = judged_run(Path(config.getoption("--reports")), run, **like)
    ran = Cluster("kind-small", images={{"web/web": image}})
    own = settings.target.name
    write_facts(folder, msgspec.structs.replace(read_facts(folder), target=own, cluster=ran))
    write_manifest(folder)
"""
TEST = """
import pytest
from conftest import drill


@pytest.mark.gate
def test_drill(pytestconfig):
    drill(pytestconfig)


def test_not_of_the_gate():
    raise AssertionError
"""
DOCKER = """#!{python}
import json, sys
from pathlib import Path
images = json.loads(Path({file!r}).read_text())
words = sys.argv[1:]
if words[:2] == ["image", "inspect"]:
    if words[-1] not in images["engine"]:
        sys.exit(1)
    print(images["engine"][words[-1]])
elif words[0] == "ps":
    print("small-control-plane\\tid\\trunning\\tsmall")
elif words[:3] == ["exec", "small-control-plane", "ctr"]:
    print("REF TYPE DIGEST SIZE PLATFORMS LABELS")
    for name, id_ in images["node"].items():
        manifest = id_.replace("sha256:", "sha256:manifest-of-")
        for each in (name, id_):
            print(f"{{each}}    application/vnd.oci.image.manifest.v1+json {{manifest}} 9.1 MiB -")
elif words[0] == "save":
    sys.stdout.write(json.dumps(words[1:]))
elif words[:3] == ["exec", "-i", "small-control-plane"]:
    for name in json.load(sys.stdin):
        images["node"]["docker.io/library/" + name] = images["engine"][name]
    Path({file!r}).write_text(json.dumps(images))
else:
    sys.exit(f"what is {{words}}?")
"""
POLICY = """
[gate]
block = ["limits", "p95"]
warn = []
"""


class Service:
    """`folder`: of drill.toml and the tests. `like`: image, or run -> what its recording is like;
    `meanwhile`: a line of what a drill does while the target is broken."""

    def __init__(
        self,
        folder: Path,
        small: SmallCluster,
        like: dict[str, dict[str, object]],
        *,
        meanwhile: str = "pass",
        policy: str = POLICY,
    ) -> None:
        self.folder, self.small = folder, small
        self.target = folder / "drill.toml"
        self.target.write_text(self.target.read_text(encoding="utf-8") + policy, encoding="utf-8")
        text = CONFTEST.format(like=like, meanwhile=meanwhile)
        (folder / "features").mkdir()
        (folder / "features" / "conftest.py").write_text(text, encoding="utf-8")
        (folder / "features" / "test_drill.py").write_text(TEST, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", encoding="utf-8")
        self._images = folder / "images.json"
        self.know(
            engine={"web:1": "sha256:1", "web:2": "sha256:2"}, node={"docker.io/library/web:1": "sha256:1"}
        )
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER.format(python=sys.executable, file=str(self._images)), encoding="utf-8")
        program.chmod(0o755)

    def know(self, **images: dict[str, str]) -> None:
        """Name -> id of what the engine and the node have."""
        self._images.write_text(json.dumps(images), encoding="utf-8")

    def held(self) -> dict[str, str]:
        """What the node has."""
        found: dict[str, str] = json.loads(self._images.read_text(encoding="utf-8"))["node"]
        return found

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """`drill gate alternate`, in a process of its own."""
        environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        return subprocess.Popen(
            [
                *(sys.executable, "-c", "from drill.start import main; main()"),
                *("--target", str(self.target), "gate", "alternate", *map(str, arguments)),
                *("--run", "one"),
            ],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def gate(self, *arguments: object) -> tuple[int, str, str]:
        """Its exit status, standard output and standard error."""
        process = self.start(*arguments)
        said, told = process.communicate(timeout=LONG_SECONDS)
        return process.returncode, said, told

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """Name, side and image of each run, as the file beside them has it."""
        file = self.folder / "reports" / "one.gate.json"
        return [(run["run"], run["side"], run["ran"]) for run in json.loads(file.read_text())["runs"]]

    @property
    def image(self) -> str:
        """That the workload runs now."""
        item = self.small.get("Deployment", "web")
        return str(item["spec"]["template"]["spec"]["containers"][0]["image"])
