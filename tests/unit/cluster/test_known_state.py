"""Differences of now from the known state, told in words."""

from __future__ import annotations

from typing import Any

import msgspec

from drill.cluster.objects import RESTARTED
from drill.putback.known_state import KnownState, differences


def a_deployment(replicas: int = 3, image: str = "web:1", **annotations: str) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    return {
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": replicas, "template": template},
    }


def a_state(**objects: dict[str, Any]) -> KnownState:
    return KnownState("kind-drill", "production", msgspec.convert(objects, dict[str, dict[str, Any]]))


def test_the_same_is_no_difference() -> None:
    assert (
        differences(a_state(Deployment={"web": a_deployment()}), a_state(Deployment={"web": a_deployment()}))
        == []
    )


def test_a_rolling_restart_is_no_difference() -> None:
    known = a_state(Deployment={"web": a_deployment()})
    known.objects["Deployment"]["web"]["spec"]["template"]["metadata"].pop("annotations")
    now = a_state(Deployment={"web": a_deployment(**{RESTARTED: "2026-11-23T11:00:00Z"})})
    assert differences(known, now) == []
    assert RESTARTED in now.objects["Deployment"]["web"]["spec"]["template"]["metadata"]["annotations"]


def test_other_annotations_replicas_and_images_are_differences() -> None:
    now = a_state(Deployment={"web": a_deployment(5, "web:2", team="x")})
    assert differences(a_state(Deployment={"web": a_deployment()}), now) == [
        "Deployment/web: spec.replicas is 5, was 3",
        "Deployment/web: spec.template.metadata.annotations.team is 'x', was absent",
        "Deployment/web: spec.template.spec.containers[0].image is 'web:2', was 'web:1'",
    ]


def test_what_is_missing_and_what_was_added_is_named() -> None:
    known, now = (
        a_state(NetworkPolicy={"a": a_deployment()}),
        a_state(NetworkPolicy={}, HorizontalPodAutoscaler={"b": a_deployment()}),
    )
    assert differences(known, now) == ["NetworkPolicy/a: is missing"]
    known = a_state(NetworkPolicy={"a": a_deployment()}, HorizontalPodAutoscaler={})
    assert differences(known, now) == [
        "NetworkPolicy/a: is missing",
        "HorizontalPodAutoscaler/b: was not there",
    ]
