"""The plain manifests, which are the Helm chart with its values as they are.

python tools/manifests.py            write them
python tools/manifests.py --check    fail when they are stale
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from chart import Release, rendered

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "deploy" / "chart" / "yuheng"
MANIFESTS: Final = ROOT / "deploy" / "manifests" / "yuheng.yaml"
RELEASE: Final = Release("yuheng", "yuheng-system", "kubectl")
HEAD: Final = """\
# Written by tools/manifests.py from deploy/chart/yuheng with its values as they are; do not edit.
# The image is built with deploy/Containerfile: put the name under which your nodes pull it.
apiVersion: v1
kind: Namespace
metadata:
  name: yuheng-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def text() -> str:
    """The manifests."""
    files = rendered(CHART, RELEASE)
    parts = [part.strip("\n") for name, part in sorted(files.items()) if name.endswith(".yaml")]
    return "\n---\n".join([HEAD.strip("\n"), *filter(None, parts)]) + "\n"


def main() -> int:
    """Write or check."""
    if "--check" not in sys.argv[1:]:
        MANIFESTS.write_text(text(), encoding="utf-8")
        return 0
    if MANIFESTS.read_text(encoding="utf-8") == text():
        return 0
    print(f"{MANIFESTS.relative_to(ROOT)} is not what the chart says: run `make docs`")
    return 1


if __name__ == "__main__":
    sys.exit(main())
