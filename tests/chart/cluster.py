"""A Kubernetes cluster for tests: every part of it a process of ours, on loopback, in a folder.

1. Nothing outlives the tests: the kernel kills a process whose parent is gone, and each is ended by
   its own id. etcd goes last, because the API server does not finish its own end without it.
2. Ports are looked for and then bound by another process, so one may be taken by then: the cluster is
   tried again with others.
3. The kubelet only pretends: volumes, probes, network policies and images are taken for granted, and
   no process of a pod runs. What Kubernetes itself decides is real: admission, pod security,
   defaults, scheduling, controllers, garbage.
"""

import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from bridge.dev.broker import _die_with_parent
from tests.chart.tools import BUILT, ToolFailed, Tools
from tests.support.ports import free_port

_START_S: Final = 60.0
_STOP_S: Final = 3.0
_TRIES: Final = 3
_PORT_TAKEN: Final = "address already in use"


def eventually(holds: Callable[[], bool], patience_s: float = 30.0) -> None:
    """Return when ``holds`` does; fails when patience is at its end."""
    until = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.1)


class Cluster:
    """One cluster. Use as a context manager: it answers from the beginning to the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._token = secrets.token_hex(16)
        self.tools = Tools({"HOME": str(folder), "KUBECONFIG": str(folder / "kubeconfig")})

    def __enter__(self) -> Self:
        """Start the cluster: rule 2."""
        for attempt in range(_TRIES):
            try:
                self._start()
            except ToolFailed as error:
                self._stop()
                if _PORT_TAKEN not in str(error) or attempt == _TRIES - 1:
                    raise
            else:
                return self
        raise AssertionError

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._stop()

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Return what kubectl writes; raises ToolFailed."""
        return self.tools.run("kubectl", *arguments, stdin=stdin)

    def got(self, *arguments: str) -> Any:
        """Return an object, or a list of them under `items`."""
        return json.loads(self.kubectl("get", "-o", "json", *arguments))

    def apply(self, *manifests: Any) -> None:
        """Create objects, or change them."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def _start(self) -> None:
        etcd = self._etcd()
        address = self._api_server(etcd)
        self._write_kubeconfig(address)
        self._until(lambda: self.kubectl("get", "--raw", "/readyz") == "ok")
        to_server = ("--kubeconfig", str(self._folder / "kubeconfig"))
        alone = ("--secure-port", "0", "--leader-elect=false")
        self._spawn(
            *("kube-controller-manager", *to_server, *alone),
            *("--service-account-private-key-file", str(self._folder / "sa.key")),
            *("--root-ca-file", str(self._folder / "certs/apiserver.crt")),
            # Nobody renews the leases of nodes that are only pretended.
            *("--controllers", "*,-node-lifecycle-controller"),
            *("--horizontal-pod-autoscaler-sync-period", "1s"),
        )
        self._spawn("kube-scheduler", *to_server, *alone)
        self._spawn("kubelet", *to_server, "--nodes", "3")
        self._until(lambda: bool(self.kubectl("get", "serviceaccount", "default")))
        self._until(lambda: len(self.got("nodes")["items"]) == 3)

    def _etcd(self) -> str:
        clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._spawn(
            *("etcd", "--name", "test", "--data-dir", str(self._folder / "etcd")),
            *("--unsafe-no-fsync", "--log-level", "warn", "--initial-cluster", f"test={peers}"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
        )
        return clients

    def _api_server(self, etcd: str) -> str:
        key = self._folder / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        (self._folder / "tokens.csv").write_text(f"{self._token},admin,admin,system:masters\n")
        port = str(free_port())
        self._spawn(
            *(
                "kube-apiserver",
                "--etcd-servers",
                etcd,
                "--service-cluster-ip-range",
                "10.0.0.0/24",
            ),
            *("--bind-address", "127.0.0.1", "--secure-port", port),
            *("--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none"),
            *("--cert-dir", str(self._folder / "certs"), "--authorization-mode", "RBAC"),
            *("--token-auth-file", str(self._folder / "tokens.csv"), "--anonymous-auth=false"),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-account-key-file", str(key)),
            *("--service-account-signing-key-file", str(key)),
            # A node is tainted until the controller that is left out below has seen it.
            *("--disable-admission-plugins", "TaintNodesByCondition"),
        )
        self._until((self._folder / "certs/apiserver.crt").is_file)
        return f"https://127.0.0.1:{port}"

    def _write_kubeconfig(self, address: str) -> None:
        authority = str(self._folder / "certs/apiserver.crt")
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": address, "certificate-authority": authority}}
            ],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        path = self._folder / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))

    def _spawn(self, component: str, *arguments: str) -> None:
        with (self._folder / f"{component}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [str(BUILT / "kubebox"), component, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 (it calls the kernel and nothing else)
                )
            )

    def _until(self, holds: Callable[[], bool]) -> None:
        """Return when ``holds`` does; raises ToolFailed when a process has ended instead."""

        def answered() -> bool:
            if any(process.poll() is not None for process in self._processes):
                raise ToolFailed(self._last_words())
            try:
                return holds()
            except ToolFailed:
                return False

        eventually(answered, _START_S)

    def _stop(self) -> None:
        """End every process, the oldest last: rule 1."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _last_words(self) -> str:
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{log.stem}: {log.read_text(errors='replace')[-2000:]}" for log in logs)
