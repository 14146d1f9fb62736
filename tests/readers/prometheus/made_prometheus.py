"""A real Prometheus on a free loopback port, filled with samples that the test knows; and one that is only played."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode
from urllib.request import urlopen

import pytest

# 2026-01-01T00:00:00Z, and twelve hours of a scrape a minute.
BEGIN = 1_767_225_600
HOURS = 12
SCRAPE = 60
MEMORY = 100_000_000
CPU = "container_cpu_usage_seconds_total"
# Seconds from the beginning in which nothing was scraped of `shop/cart-0`, and when `shop/cart-1` started again.
GAP = (3 * 3600, 5 * 3600)
RESET = 6 * 3600
# The name that a selector stands in, within a query.
SELECTOR = re.compile(r"(?:rate|max_over_time|avg_over_time|increase|count_over_time)\((\w+\{.*\})\[(\d+)s\]\)")


def pods() -> list[tuple[str, str]]:
    """Namespaces and pods: a large namespace, some small ones, and names that need quoting."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    large = [("batch", f"run-7f9c-{letters[i % 27]}{letters[(7 * i) % 27]}{i}-exec-1") for i in range(40)]
    small = [("shop", f"cart-{i}") for i in range(4)] + [(f"team-{i}", "api-0") for i in range(5)]
    return [*large, *small, ("odd.one", "a.b-0")]


def cores(index: int) -> float:
    """What a pod uses, all the time."""
    return 0.1 + index / 100


def openmetrics() -> str:
    """Twelve hours of cAdvisor, as OpenMetrics."""
    lines = [f"# TYPE {CPU} counter"]
    for index, (namespace, pod) in enumerate(pods()):
        labels = f'{{namespace="{namespace}",pod="{pod}",container="app",node="n{index % 3}"}}'
        lines += [f"{CPU}{labels} {value:.6f} {BEGIN + at}" for at, value in counter(index, pod)]
        # The pod's own sum, and a second scrape of the same container, as every cluster has them.
        lines += [f"{CPU}{labels.replace('app', '')} {value:.6f} {BEGIN + at}" for at, value in counter(index, pod)]
        twice = labels.replace("}", ',job="again"}')
        lines += [f"{CPU}{twice} {value:.6f} {BEGIN + at}" for at, value in counter(index, pod)] if index < 3 else []
    lines.append("# TYPE container_memory_working_set_bytes gauge")
    for index, (namespace, pod) in enumerate(pods()):
        labels = f'{{namespace="{namespace}",pod="{pod}",container="app",node="n{index % 3}"}}'
        lines += [
            f"container_memory_working_set_bytes{labels} {MEMORY + index + (at == 7200) * 5000} {BEGIN + at}"
            for at, _ in counter(index, pod)
        ]
    lines.append("# TYPE DCGM_FI_DEV_GPU_UTIL gauge")
    for device in range(2):
        labels = f'{{exported_namespace="batch",exported_pod="{pods()[0][1]}",exported_container="app",gpu="{device}"}}'
        lines += [f"DCGM_FI_DEV_GPU_UTIL{labels} 75 {BEGIN + at}" for at in range(0, HOURS * 3600, SCRAPE)]
    lines.append("# TYPE container_network_transmit_bytes_total counter")
    labels = '{namespace="shop",pod="cart-0",interface="eth0"}'
    lines += [
        f"container_network_transmit_bytes_total{labels} {at * 1000} {BEGIN + at}"
        for at in range(0, HOURS * 3600 + 1, SCRAPE)
    ]
    return "\n".join([*lines, "# EOF\n"])


def counter(index: int, pod: str) -> Iterator[tuple[int, float]]:
    """When a pod was scraped, and its counter of cpu seconds then."""
    started = 0
    for at in range(0, HOURS * 3600 + 1, SCRAPE):
        if pod == "cart-0" and GAP[0] < at < GAP[1]:
            continue
        if pod == "cart-1" and at == RESET:
            started = RESET
        yield at, cores(index) * (at - started)


class Real:
    """A running Prometheus.

    Attributes:
        url: where it is.
    """

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def queries(self) -> list[dict]:
        """What it was asked, as its query log tells: query, start, end, step."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [json.loads(line)["params"] for line in lines]

    def value(self, query: str, at: float) -> float:
        """The one number of an instant query; 0 for none."""
        form = urlencode({"query": query, "time": at}).encode()
        with urlopen(f"{self.url}/api/v1/query", form, timeout=20) as response:  # noqa: S310
            result = json.load(response)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0


@contextmanager
def real_prometheus(folder: Path) -> Iterator[Real]:
    """Start one, filled; skips where there is none."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("there is no prometheus and promtool on the PATH")
    (folder / "made.txt").write_text(openmetrics(), encoding="utf-8")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h", "made.txt", "data"]
    subprocess.run(blocks, cwd=folder, check=True, capture_output=True, timeout=120)
    (folder / "prometheus.yml").write_text(f"global: {{query_log_file: '{folder}/queries.log'}}\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"]
    command += ["--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://{address}/-/ready")
            yield Real(f"http://{address}", folder / "queries.log")
        finally:
            process.kill()


def wait_for(url: str) -> None:
    """Until a server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


# What a played server answers to a request: status, headers, body; or what it does to the handler instead.
Reply = tuple[int, dict[str, str], bytes]


class Played:
    """A server that answers as it is told.

    Attributes:
        url: where it is.
        requests: (path, form, headers) of all that was asked.
    """

    def __init__(self, answer: Callable[[int, str, dict[str, str]], Reply | Callable]) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                played.requests.append((self.path, form, dict(self.headers)))
                reply = answer(len(played.requests), self.path, form)
                if callable(reply):
                    reply(self)
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Played:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def success(result: list, **more: object) -> Reply:
    """An answer of Prometheus."""
    body = {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def failure(status: int, kind: str, message: str) -> Reply:
    """An error of Prometheus."""
    body = {"status": "error", "errorType": kind, "error": message}
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def environment() -> dict[str, str]:
    """That of a child process which meets no proxy."""
    return {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
