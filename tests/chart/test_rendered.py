"""The chart as Helm renders it."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.core import catalogue
from bridge.settings.load import load, require_kafka, require_serving, unknown_variables
from deploy.helm import derive_chart
from tests.chart.tools import CHART, EXAMPLES, SNAPSHOTS, ToolFailed, Tools, settings_of

pytestmark = pytest.mark.chart

SET = [
    value
    for value in derive_chart.flat(derive_chart.values((CHART / "values.yaml").read_text()))
    if value.setting
]
TOKEN = "a-token-only-these-tests-know"
ACCOUNTS = f'[{{"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_tokens": ["{TOKEN}"], "timezone": "UTC"}}]'
# What has another form than the setting it becomes, or is only there with another value.
OTHER: dict[str, tuple[list[str], str]] = {
    "trustedProxies": (["trustedProxies={10.0.0.0/8,192.0.2.1}"], "10.0.0.0/8,192.0.2.1"),
    "allowedHosts": (
        ["allowedHosts={a.example.com,b.example.com:8443}"],
        "a.example.com,b.example.com:8443",
    ),
    "contextParameters": (["contextParameters={tenant,campaign}"], "tenant,campaign"),
    "publicUrl": (["publicUrl=https://other.example.com"], "https://other.example.com"),
    "topicPrefix": (["topicPrefix=test."], "test."),
    "schemaBaseUrl": (
        ["schemaBaseUrl=https://schemas.example.com/"],
        "https://schemas.example.com/",
    ),
    "kafka.bootstrapServers": (["kafka.bootstrapServers=k:1"], "k:1"),
    "kafka.securityProtocol": (
        [
            "kafka.securityProtocol=SASL_PLAINTEXT",
            "kafka.tls.caSecretName=",
            "kafka.tls.clientSecretName=",
        ],
        "SASL_PLAINTEXT",
    ),
    "topics.replicationFactor": (["topics.replicationFactor=10"], "10"),
    "kafka.sasl.oauthTokenUrl": (
        ["kafka.sasl.oauthTokenUrl=https://t.example"],
        "https://t.example",
    ),
    # Longer than the waits it is for.
    "shutdown.timeoutSeconds": (["shutdown.timeoutSeconds=30"], "30"),
    "spool.enabled": (["spool.enabled=false", "spool.callbacksMayBeLost=true"], "false"),
}


def another(value: derive_chart.Value) -> tuple[list[str], str]:
    """Return what to set a value to that is not its default, and what the setting then is."""
    if value.path in OTHER:
        return OTHER[value.path]
    given: Any
    if "enum" in value.keywords:
        given = next(one for one in value.keywords["enum"] if one != value.default)
    elif isinstance(value.default, bool):
        given = str(not value.default).lower()
    elif isinstance(value.default, int):
        # A zero, where a zero can be: it is the number that templates lose.
        given = value.keywords.get("minimum", 7)
        given = value.keywords["maximum"] if given == value.default else given
    else:
        given = f"{value.default}x"
    return [f"{value.path}={given}"], str(given)


@pytest.mark.parametrize("example", EXAMPLES)
def test_helm_finds_no_fault_in_the_chart(tools: Tools, example: str) -> None:
    values = str(CHART / f"ci/{example}-values.yaml")
    assert "0 chart(s) failed" in tools.run("helm", "lint", str(CHART), "--strict", "-f", values)


def test_the_unit_tests_hold(tools: Tools) -> None:
    said = tools.run("helm-unittest", str(CHART))
    assert re.search(r"^Tests: +(\d+) passed, \1 total$", said, re.MULTILINE), said


def test_the_unit_tests_can_fail(tools: Tools, tmp_path: Path) -> None:
    suite = tmp_path / "wrong_test.yaml"
    one = {
        "it": "is wrong",
        "template": "statefulset.yaml",
        "values": [str(CHART / "ci/minimal-values.yaml")],
        "asserts": [{"equal": {"path": "spec.replicas", "value": 5}}],
    }
    suite.write_text(yaml.safe_dump({"suite": "wrong", "tests": [one]}))
    with pytest.raises(ToolFailed, match=r"Tests: +1 failed"):
        tools.run("helm-unittest", str(CHART), "--file", str(suite))


def test_the_notes_have_the_url_of_every_type(tools: Tools, tmp_path: Path) -> None:
    paths = json.loads((CHART / "files/paths.json").read_text())
    assert set(paths) == {kind.name for kind in catalogue.load_catalogue().types if kind.has_path}
    lines = [
        rf" {name} +https://callbacks.example.com{path}(#rp=all&rc=5)?\n"
        for name, path in paths.items()
    ]
    one = {
        "it": "has every URL",
        "template": "NOTES.txt",
        "values": [str(CHART / "ci/minimal-values.yaml")],
        "asserts": [{"matchRegexRaw": {"pattern": line}} for line in lines],
    }
    suite = tmp_path / "notes_test.yaml"
    suite.write_text(yaml.safe_dump({"suite": "notes", "tests": [one]}))
    assert "Tests:       1 passed" in tools.run("helm-unittest", str(CHART), "--file", str(suite))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_rendered_chart_equals_the_reviewed_snapshots(tools: Tools, example: str) -> None:
    kept = (SNAPSHOTS / f"{example}.yaml").read_text()
    assert tools.template(example) == kept, "look at it, then run `make chart-snapshots`"


@pytest.mark.parametrize("value", SET, ids=lambda value: value.path)
def test_a_value_becomes_its_setting(
    tools: Tools, least: dict[str, str], value: derive_chart.Value
) -> None:
    assert value.setting
    example = "gateway" if "oauth" in value.path else "extended"
    given, expected = another(value)
    assert least.get(value.setting) != expected
    options = [word for one in given for word in ("--set", one)]
    assert settings_of(tools.manifests(example, *options))[value.setting] == expected


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_bridge_takes_the_settings_the_chart_gives_it(
    tools: Tools, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts/accounts.json").write_text(ACCOUNTS)
    for name, value in settings_of(tools.manifests(example)).items():
        monkeypatch.setenv(name, value.replace("/etc/callback-bridge", str(tmp_path)))
    settings = require_serving(load())
    assert unknown_variables() == []
    assert settings.accounts[0].auth_id == "MAXXXXXXXXXXXXXXXXXX"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_topics_job_has_exactly_the_kafka_settings_of_the_bridge(
    tools: Tools, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = tools.manifests(example)
    told = settings_of(manifests)
    (job,) = [one for one in manifests if one["kind"] == "Job"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    settings = {one["name"]: one["value"] for one in container["env"]}
    of_kafka = {name for name in told if name.startswith(("BRIDGE_KAFKA", "BRIDGE_TOPIC"))}
    assert settings.keys() == of_kafka
    differing = {name for name in of_kafka if settings[name] != told[name]}
    assert differing == ({"BRIDGE_KAFKA_SASL_USERNAME"} if example == "extended" else set())
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    require_kafka(load())


def test_a_change_of_settings_restarts_the_pods_and_one_of_replies_does_not(tools: Tools) -> None:
    def digest(*arguments: str) -> str:
        manifests = tools.manifests("extended", *arguments)
        (found,) = [one for one in manifests if one["kind"] == "StatefulSet"]
        return str(found["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert digest() == digest("--set", "pod.labels.colour=blue")
    assert digest() == digest("--set", r"replies.documents.hold\.xml=<Response/>")
    assert digest() == digest("--set", "replies.rules=# none")
    assert digest() != digest("--set", "logLevel=debug")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_chart_makes_no_secret(tools: Tools, example: str) -> None:
    assert "Secret" not in {one["kind"] for one in tools.manifests(example)}


def test_the_packed_chart_holds_nothing_that_is_only_for_tests(
    tools: Tools, tmp_path: Path
) -> None:
    tools.run("helm", "package", str(CHART), "--destination", str(tmp_path))
    (packed,) = tmp_path.glob("callback-bridge-*.tgz")
    with tarfile.open(packed) as archive:
        names = {name.removeprefix("callback-bridge/") for name in archive.getnames()}
    assert {"values.schema.json", "files/alerts.yaml", "templates/test.yaml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "ci/"))]


def dashboard(tools: Tools, release: str, namespace: str) -> tuple[str, dict[str, Any]]:
    """Return the file of a release's dashboard, and what is in it."""
    values = ("--values", str(CHART / "ci/extended-values.yaml"), "--namespace", namespace)
    only = ("--show-only", "templates/monitoring.yaml")
    text = tools.run("helm", "template", release, str(CHART), *values, *only)
    (found,) = [
        one
        for one in yaml.safe_load_all(text)
        if one and one["metadata"]["name"].endswith("-dashboard")
    ]
    ((name, document),) = found["data"].items()
    return name, json.loads(document)


def test_the_dashboard_is_that_of_the_file(tools: Tools) -> None:
    _, found = dashboard(tools, "bridge", "telephony")
    kept = json.loads((CHART / "files/dashboard.json").read_text())
    assert found.pop("title") == f"{kept.pop('title')}: telephony/bridge"
    assert found.pop("uid").startswith(kept.pop("uid"))
    assert found == kept


def test_two_releases_have_two_dashboards_in_one_grafana(tools: Tools) -> None:
    releases = [("bridge", "telephony"), ("bridge", "test"), ("other", "telephony")]
    found = [dashboard(tools, *one) for one in releases]
    assert len({name for name, _ in found}) == len(releases)
    for key in ("uid", "title"):
        assert len({document[key] for _, document in found}) == len(releases)
    assert all(len(document["uid"]) <= 40 for _, document in found)  # the most Grafana takes


def test_the_alerts_are_those_of_the_file(tools: Tools) -> None:
    (found,) = [one for one in tools.manifests("extended") if one["kind"] == "PrometheusRule"]
    assert found["spec"] == yaml.safe_load((CHART / "files/alerts.yaml").read_text())
