"""Which options kubectl has. Flows in: the help of the kubectl at hand. Flows out: kubectl_flags.json.

    python -m drill.lint.read_kubectl > drill/lint/kubectl_flags.json

The JSON has the version, then for each verb the options that take a value, those that take none, and the
short ones.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

VERBS = (
    "annotate", "api-resources", "apply", "apply view-last-applied", "attach", "auth can-i", "autoscale",
    "certificate approve", "certificate deny", "cluster-info", "cluster-info dump", "config current-context",
    "config delete-context", "config get-contexts", "config set-context", "config use-context", "config view",
    "cordon", "cp", "create", "create clusterrole", "create clusterrolebinding", "create configmap",
    "create cronjob", "create deployment", "create ingress", "create job", "create namespace",
    "create poddisruptionbudget", "create priorityclass", "create quota", "create role", "create rolebinding",
    "create secret docker-registry", "create secret generic", "create secret tls", "create service clusterip",
    "create service loadbalancer", "create service nodeport", "create serviceaccount", "create token",
    "debug", "delete", "describe", "diff", "drain", "edit", "events",
    "exec", "explain", "expose", "get", "kustomize",
    "label", "logs", "patch", "port-forward", "proxy", "replace", "rollout history", "rollout pause",
    "rollout restart", "rollout resume", "rollout status", "rollout undo", "run", "scale", "set env",
    "set image", "set resources", "set selector", "set serviceaccount", "set subject", "taint", "top node",
    "top pod", "uncordon", "version", "wait",
)  # fmt: skip
OPTION = re.compile(r"^    (?:-(?P<short>\w), )?--(?P<name>[\w-]+)=(?P<unless_told>.*):$", re.MULTILINE)
HIDDEN = ("record",)
"""Options that are deprecated are left out of the help, and still taken."""


def said(*arguments: str) -> str:
    """What kubectl prints, on either stream."""
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def options_in(text: str) -> dict[str, Any]:
    """The options that a help text lists; one whose default is true or false takes no value."""
    found = list(OPTION.finditer(text))
    switches = {match["name"] for match in found if match["unless_told"] in {"true", "false"}}
    return {
        "values": sorted({match["name"] for match in found} - switches),
        "switches": sorted(switches),
        "short": {match["short"]: match["name"] for match in found if match["short"]},
    }


def main() -> None:
    """Ask for every verb."""
    version = json.loads(said("version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    tables: dict[str, Any] = {"written by": version, "every command": options_in(said("options"))}
    for verb in VERBS:
        tables[verb] = options_in(said(*verb.split(), "--help"))
        for name in HIDDEN:
            if "unknown flag" not in said(*verb.split(), f"--{name}", "--help"):
                tables[verb]["switches"] = sorted({*tables[verb]["switches"], name})
    json.dump(tables, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
