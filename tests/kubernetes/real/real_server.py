"""A real API server on loopback: etcd and kube-apiserver, from the folder that `KUBEBUILDER_ASSETS` names.

Whoever asks is known by a token, and the server vouches for itself with the certificate that it makes at its first
start; nothing else has to be installed. The state outlives the server, so that it can be stopped and started again.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["RealServer", "assets", "free_port", "what_is_missing"]

TOKEN: Final = "loopback"  # noqa: S105 -- nobody but this machine can reach the server
# Seconds until a server has to be ready: the machines that tests run on may be busy.
READY: Final = 180.0
_NO_PROXY: Final = urllib.request.ProxyHandler({})


def assets() -> Path:
    """The folder of the binaries."""
    return Path(os.environ.get("KUBEBUILDER_ASSETS", ""))


def what_is_missing() -> str:
    """Why there can be no server; empty where there can."""
    if not os.environ.get("KUBEBUILDER_ASSETS"):
        return "KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver and kubectl"
    names = [name for name in ("etcd", "kube-apiserver") if not (assets() / name).is_file()]
    names += [] if _kubectl() else ["kubectl"]
    return f"KUBEBUILDER_ASSETS: {assets()} lacks {' and '.join(names)}" if names else ""


def _kubectl() -> str:
    ours = assets() / "kubectl"
    return str(ours) if ours.is_file() else shutil.which("kubectl") or ""


def free_port() -> int:
    """A port that nobody listens on, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RealServer:
    """etcd and an API server.

    Attributes:
        folder: their state, logs and kubeconfigs.
        url: of the API server.
        kubeconfig: of one who may do everything.
    """

    def __init__(self, folder: Path, authorization: str = "AlwaysAllow") -> None:
        self.folder = folder
        self._authorization = authorization
        self._port, self._etcd_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self.kubeconfig = folder / "kubeconfig"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n', encoding="utf-8")
        (self.folder / "accounts.key").write_text(_signing_key(), encoding="utf-8")
        self._start_etcd()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nobody needs the state any more.
        for name in list(self._processes):
            self._end(name, signal.SIGKILL)

    # Processes.

    def pid(self, name: str = "kube-apiserver") -> int:
        """The process of ``etcd`` or ``kube-apiserver``."""
        return self._processes[name].pid

    def _start_etcd(self) -> None:
        peers = f"http://127.0.0.1:{free_port()}"
        client = f"http://127.0.0.1:{self._etcd_port}"
        options = {"name": "default", "data-dir": str(self.folder / "etcd"), "log-level": "warn"}
        options |= {"listen-client-urls": client, "advertise-client-urls": client, "listen-peer-urls": peers}
        options |= {"initial-advertise-peer-urls": peers, "initial-cluster": f"default={peers}"}
        options |= {"unsafe-no-fsync": "true", "quota-backend-bytes": str(8 * 2**30)}
        self._run("etcd", options)

    def start(self) -> None:
        """Start the API server, with the state that it had."""
        folder = self.folder
        options = {"etcd-servers": f"http://127.0.0.1:{self._etcd_port}", "cert-dir": str(folder)}
        options |= {"bind-address": "127.0.0.1", "secure-port": str(self._port)}
        options |= {"token-auth-file": str(folder / "tokens.csv"), "authorization-mode": self._authorization}
        options |= {"service-account-issuer": "https://kubernetes.default.svc"}
        options |= {f"service-account-{key}-file": str(folder / "accounts.key") for key in ("key", "signing-key")}
        options |= {"service-cluster-ip-range": "10.96.0.0/16", "endpoint-reconciler-type": "none"}
        options |= {"max-requests-inflight": "3000", "max-mutating-requests-inflight": "1000"}
        # No controller makes service accounts here, and none lifts the taints of new nodes or the protection of claims.
        options |= {"disable-admission-plugins": "ServiceAccount,TaintNodesByCondition,StorageObjectInUseProtection"}
        self._run("kube-apiserver", options)
        self._wait_until_ready()
        self.kubeconfig = self.written_kubeconfig("kubeconfig", self.url)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the API server; its state stays."""
        self._end("kube-apiserver", number)

    def _run(self, name: str, options: dict[str, str]) -> None:
        command = [str(assets() / name), *(f"--{key}={value}" for key, value in options.items())]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _end(self, name: str, number: int = signal.SIGTERM) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY
        while not self._is_ready():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} stopped: {self._last_words(name)}")
            if time.monotonic() > end:
                raise RuntimeError(f"the API server is not ready: {self._last_words('kube-apiserver')}")
            time.sleep(0.1)

    def _last_words(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-600:]

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz") == b"ok"
        except (OSError, urllib.error.HTTPError):
            return False

    # Whoever asks.

    def trust(self) -> ssl.SSLContext:
        """Trusts this server and no other."""
        return ssl.create_default_context(cafile=str(self.folder / "apiserver.crt"))

    def written_kubeconfig(self, name: str, url: str) -> Path:
        """A kubeconfig by which the server is reached at an address: its own, or a proxy's over plain HTTP."""
        cluster: dict[str, Any] = {"server": url}
        if url.startswith("https:"):
            authority = (self.folder / "apiserver.crt").read_bytes()
            cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": "admin"}}],
            "current-context": "real",
        }
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        path.chmod(0o600)
        return path

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Ask the API server, as one who may do everything."""
        handlers = (_NO_PROXY, urllib.request.HTTPSHandler(context=self.trust()))
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.url + path, body, headers, method=method)  # noqa: S310 -- loopback
        with urllib.request.build_opener(*handlers).open(asked, timeout=20) as answer:
            return bytes(answer.read())

    def kubectl(self, *words: str, text: str = "") -> str:
        """What kubectl says.

        Raises:
            subprocess.CalledProcessError: it did not work.
        """
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        cache = ("--cache-dir", str(self.folder / "cache"))
        command = [_kubectl(), "--kubeconfig", str(self.kubeconfig), *cache, *words]
        found = subprocess.run(
            command, input=text, env=environment, capture_output=True, text=True, timeout=300, check=True
        )
        return found.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("create", "-f", "-", text=json.dumps(listed))

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-A", "-o", "json"))["items"]
        return found

    def compact(self) -> None:
        """Make etcd forget all that was."""
        url = f"http://127.0.0.1:{self._etcd_port}/v3/kv"
        revision = json.loads(_posted(f"{url}/range", {"key": "AA=="}))["header"]["revision"]
        _posted(f"{url}/compaction", {"revision": revision, "physical": True})


def _posted(url: str, body: dict[str, Any]) -> bytes:
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.build_opener(_NO_PROXY).open(asked, timeout=20) as answer:
        return bytes(answer.read())


def _signing_key() -> str:
    """A key for tokens of service accounts: a number, as a private key on the curve P-256 is written down."""
    number = (secrets.randbits(255) | 1).to_bytes(32, "big")
    written = bytes.fromhex("30310201010420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.encodebytes(written).decode()}-----END EC PRIVATE KEY-----\n"
