"""The chart on a real API server, in namespaces that enforce the restricted pod security standard."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart.cluster import Cluster, eventually
from tests.chart.tools import BUILT, CHART, ROOT, SNAPSHOTS, ToolFailed

pytestmark = pytest.mark.cluster

NAME = "bridge-callback-bridge"
CHART_PATH = CHART.relative_to(ROOT)
TRANSCRIPT = SNAPSHOTS / "install.txt"
# Helm keeps them with a release, and they differ each time.
TIMES = re.compile(r"^(LAST DEPLOYED|Last Started|Last Completed):.*\n", re.MULTILINE)
LISTED = (
    "statefulset,pod,pvc,service,configmap,serviceaccount,pdb,hpa,networkpolicy,ingress,cronjob,job"
)
CUSTOM = "servicemonitor,prometheusrule,httproute"


def volume(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number:02}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/volumes/{number}"},
        },
    }


def restricted(name: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, schemas: Path) -> Iterator[Cluster]:
    """A cluster with the custom resources the chart makes, and with volumes to give out."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        running.kubectl("apply", "--server-side", "-f", str(schemas / "definitions"))
        running.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        running.apply(*(volume(number) for number in range(20)))
        yield running


@pytest.fixture(scope="module")
def running(cluster: Cluster) -> str:
    """A namespace in which the chart is installed with the least values, to look at."""
    return installed(cluster, "running")


@pytest.fixture
def changed(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The same, for one test to change."""
    return installed(cluster, re.sub(r"[^a-z]+", "-", request.node.name)[:40].strip("-"))


def installed(cluster: Cluster, namespace: str) -> str:
    cluster.apply(restricted(namespace))
    helm(cluster, namespace, "install", "minimal")
    return namespace


def helm(cluster: Cluster, namespace: str, command: str, example: str, *given: str) -> str:
    """Install or upgrade the release, and wait until it is as it is to be."""
    values = ("--values", str(CHART / f"ci/{example}-values.yaml"))
    options = [word for one in given for word in ("--set", one)]
    where = ("--namespace", namespace, "--wait", "--timeout", "60s")
    return cluster.tools.run("helm", command, "bridge", str(CHART), *values, *options, *where)


def pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    selector = "app.kubernetes.io/component=bridge"
    found: list[dict[str, Any]] = cluster.got("pod", "-n", namespace, "-l", selector)["items"]
    return found


def ids(cluster: Cluster, namespace: str) -> set[str]:
    return {one["metadata"]["uid"] for one in pods(cluster, namespace)}


class Transcript:
    """What a person would type, and what is answered."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.text = ""

    def add(self, command: str, *, fails: bool = False) -> None:
        """Run a command in the project's folder and write down what it says."""
        tool, *arguments = shlex.split(command)
        at_home = [str(CHART) if one == str(CHART_PATH) else one for one in arguments]
        at_home = [one.replace(f"={CHART_PATH}", f"={CHART}") for one in at_home]
        try:
            said = self._cluster.tools.run(tool, *at_home)
            failed = False
        except ToolFailed as error:
            said = str(error)
            failed = True
        assert failed is fails, said
        self.text += f"$ {command}\n{TIMES.sub('', said).rstrip()}\n\n"


def test_the_chart_is_installed_tested_upgraded_rolled_back_and_removed(cluster: Cluster) -> None:
    told = Transcript(cluster)
    release = f"bridge {CHART_PATH} -n telephony --wait --timeout=60s --values={CHART_PATH}/ci"
    # A volume cannot be changed once it is there.
    same_volumes = "--set=spool.size=10Gi,spool.storageClassName="
    objects = f"kubectl -n telephony get -o name {LISTED},{CUSTOM}"
    told.add("kubectl create namespace telephony")
    told.add("kubectl label namespace telephony pod-security.kubernetes.io/enforce=restricted")
    told.add(f"helm install {release}/minimal-values.yaml")
    told.add(objects)
    told.add("helm test bridge -n telephony --hide-notes")
    told.add(f"helm upgrade {release}/extended-values.yaml {same_volumes} --hide-notes")
    told.add(objects)
    before = ids(cluster, "telephony")
    wrong = "--set-string=pod.annotations.kubebox/exit-code=1"
    told.add(f"helm upgrade {release}/extended-values.yaml {same_volumes} {wrong}", fails=True)
    assert ids(cluster, "telephony") == before, "a failed upgrade changes no pod"
    # As while Kafka is away.
    told.add(
        f"helm upgrade {release}/extended-values.yaml {same_volumes} {wrong} --no-hooks --hide-notes"
    )
    assert not ids(cluster, "telephony") & before, "one that asks no hook changes them all"
    told.add("helm rollback bridge 1 -n telephony --wait --timeout=60s")
    told.add("kubectl -n telephony get statefulset -o custom-columns=PODS:.status.readyReplicas")
    told.add(f"helm upgrade {release}/gateway-values.yaml --hide-notes")
    eventually(lambda: len(pods(cluster, "telephony")) == 2)  # which the autoscaler sees to
    told.add(objects)
    told.add("helm uninstall bridge -n telephony --wait")
    told.add(objects)
    found = BUILT.parent / TRANSCRIPT.name
    found.write_text(told.text)
    assert told.text == TRANSCRIPT.read_text(), f"look at {found}, and keep it if it is right"


def test_a_pod_that_is_not_restricted_is_refused_where_the_chart_runs(
    cluster: Cluster, running: str
) -> None:
    with pytest.raises(ToolFailed, match='violates PodSecurity "restricted:latest"'):
        cluster.kubectl("-n", running, "run", "open", "--image=open")


def test_no_pod_holds_a_token_and_none_could_use_one(cluster: Cluster, running: str) -> None:
    found = pods(cluster, running)
    assert len(found) == 2
    for pod in found:
        assert {one["name"] for one in pod["spec"]["volumes"]} == {"files", "temporary", "spool"}
    account = f"system:serviceaccount:{running}:{NAME}"
    with pytest.raises(ToolFailed, match=r"^no"):
        cluster.kubectl("-n", running, "auth", "can-i", "get", "secrets", "--as", account)


def test_pods_stand_on_different_nodes(cluster: Cluster, running: str) -> None:
    assert len({pod["spec"]["nodeName"] for pod in pods(cluster, running)}) == 2


def test_the_commands_of_the_notes_start_a_replay_and_an_audit(
    cluster: Cluster, running: str
) -> None:
    notes = cluster.tools.run("helm", "get", "notes", "bridge", "-n", running)
    commands = re.findall(r"^ +(kubectl .* create job (?:.*\\\n)*.*)$", notes, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        cluster.tools.run("bash", "-o", "pipefail", "-c", command)
    expected = {
        "replay-1": ["replay", "plan"],
        "audit-1": ["replay", "derive", "--diff", "--verify"],
        "replay-2": ["replay", "--help"],
    }
    cluster.kubectl("-n", running, "wait", "--for=condition=Complete", "job", "--all")
    found = {one["metadata"]["name"]: one for one in cluster.got("job", "-n", running)["items"]}
    told = {name: one["spec"]["template"]["spec"]["containers"] for name, one in found.items()}
    assert {name: container["args"] for name, (container,) in told.items()} == expected


def test_a_node_with_the_only_pod_can_be_drained(cluster: Cluster, changed: str) -> None:
    helm(cluster, changed, "upgrade", "minimal", "replicas=1", "pod.labels.to=drain")
    (pod,) = pods(cluster, changed)
    node = pod["spec"]["nodeName"]
    chosen = ("--pod-selector", "to=drain", "--delete-emptydir-data")
    try:
        cluster.kubectl("drain", node, *chosen, "--timeout=20s")
        eventually(lambda: ids(cluster, changed) not in ({pod["metadata"]["uid"]}, set()))
    finally:
        cluster.kubectl("uncordon", node)


def test_a_drain_takes_one_pod_at_a_time(cluster: Cluster, running: str) -> None:
    budget = cluster.got("pdb", NAME, "-n", running)
    assert budget["status"]["currentHealthy"] == 2
    assert budget["status"]["disruptionsAllowed"] == 1


def test_the_autoscaler_sees_to_the_fewest_pods(cluster: Cluster, changed: str) -> None:
    scaled = ("autoscaling.enabled=true", "autoscaling.minReplicas=3")
    helm(cluster, changed, "upgrade", "minimal", *scaled)
    eventually(lambda: len(pods(cluster, changed)) == 3)
    helm(cluster, changed, "upgrade", "minimal", *scaled, "logLevel=debug")
    assert len(pods(cluster, changed)) == 3, "another upgrade says nothing of their number"


def test_volumes_are_changed_by_leaving_the_pods_behind(cluster: Cluster, changed: str) -> None:
    with pytest.raises(ToolFailed, match=r"volumeClaimTemplates: .* field is immutable"):
        helm(cluster, changed, "upgrade", "minimal", "spool.size=9Gi")
    before = ids(cluster, changed)
    cluster.kubectl("-n", changed, "delete", "statefulset", NAME, "--cascade=orphan")
    assert ids(cluster, changed) == before
    helm(cluster, changed, "upgrade", "minimal", "spool.size=9Gi")
    eventually(lambda: len(pods(cluster, changed)) == 2)
