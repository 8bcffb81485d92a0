"""Which network policy holds for which pod, and whether it is there when the pod is.

Helm makes hooks before the release's own objects, in the order of their weights, so the pod of a hook
must be selected by a policy that is a hook before it, and by no policy of the release, which at an
upgrade is still that of the version before.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.tools import Manifest, Tools

pytestmark = pytest.mark.chart

HOOK = "helm.sh/hook"
BEFORE = "pre-install,pre-upgrade"


def annotations(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def weight(manifest: Manifest) -> int:
    return int(annotations(manifest).get("helm.sh/hook-weight", "0"))


def pods(manifests: list[Manifest]) -> Iterator[tuple[Manifest, dict[str, str]]]:
    """Yield what makes pods, and the labels its pods have."""
    for one in manifests:
        if one["kind"] == "Pod":
            yield one, one["metadata"]["labels"]
        elif one["kind"] == "CronJob":
            yield one, one["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        elif one["kind"] in {"Job", "StatefulSet"}:
            yield one, one["spec"]["template"]["metadata"]["labels"]


def selects(policy: Manifest, labels: dict[str, str]) -> bool:
    """Say whether a policy is for pods with these labels, as Kubernetes reads its selector."""
    selector: dict[str, Any] = policy["spec"]["podSelector"]
    same = all(labels.get(name) == value for name, value in selector["matchLabels"].items())
    expressions = selector.get("matchExpressions", [])
    assert all(one["operator"] == "NotIn" for one in expressions)
    return same and all(labels.get(one["key"]) not in one["values"] for one in expressions)


@pytest.fixture(scope="module", params=["extended", "gateway"])
def manifests(request: pytest.FixtureRequest, tools: Tools) -> list[Manifest]:
    return tools.manifests(request.param)


def policies(manifests: list[Manifest]) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == "NetworkPolicy"]


def test_a_hook_pod_has_one_policy_which_exists_before_it(
    manifests: list[Manifest],
) -> None:
    hooks = [pod for pod in pods(manifests) if annotations(pod[0]).get(HOOK) == BEFORE]
    assert [one["kind"] for one, _ in hooks] == ["Job"]
    for job, labels in hooks:
        (policy,) = [one for one in policies(manifests) if selects(one, labels)]
        assert annotations(policy)[HOOK] == BEFORE
        assert weight(policy) < weight(job)


def test_every_other_pod_has_the_policy_of_the_release(manifests: list[Manifest]) -> None:
    others = [pod for pod in pods(manifests) if annotations(pod[0]).get(HOOK) != BEFORE]
    assert {one["kind"] for one, _ in others} == {"StatefulSet", "CronJob", "Pod"}
    for _, labels in others:
        (policy,) = [one for one in policies(manifests) if selects(one, labels)]
        assert HOOK not in annotations(policy)


def test_the_job_for_the_topics_reaches_kafka_as_the_bridge_does(manifests: list[Manifest]) -> None:
    of_release, of_topics = sorted(policies(manifests), key=lambda one: HOOK in annotations(one))
    to_pods = [
        one for one in of_release["spec"]["egress"] if one not in of_topics["spec"]["egress"]
    ]
    assert to_pods == [
        {"to": [{"podSelector": {"matchLabels": {
            "app.kubernetes.io/name": "callback-bridge",
            "app.kubernetes.io/instance": "bridge",
        }}}]}
    ]  # fmt: skip
    assert all(one in of_release["spec"]["egress"] for one in of_topics["spec"]["egress"])
