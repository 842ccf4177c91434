"""`./run sbom`: what Xubao is built from, in CycloneDX 1.6: every package of both locks, with its hashes."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from bootstrap.places import ROOT

_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def python_packages(lock: str) -> Iterator[dict[str, Any]]:
    """The components of a requirements.lock; one hash for each file that may be installed."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if pinned := _PINNED.match(block):
            name, version = pinned[1], pinned[2]
            hashes = [{"alg": "SHA-256", "content": one} for one in _HASH.findall(block)]
            yield _component(name, version, f"pkg:pypi/{name.lower()}@{version}", hashes)


def node_packages(lock: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The components of a package-lock.json that reach people's browsers or ours."""
    for path, package in lock["packages"].items():
        if path and "version" in package:
            name, version = path.rpartition("node_modules/")[2], package["version"]
            yield _component(
                name, version, f"pkg:npm/{name.replace('@', '%40')}@{version}", _integrity(package)
            )


def _integrity(package: dict[str, Any]) -> list[dict[str, str]]:
    algorithm, _dash, digest = package.get("integrity", "").partition("-")
    if algorithm != "sha512":
        return []
    return [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]


def _component(name: str, version: str, purl: str, hashes: list[dict[str, str]]) -> dict[str, Any]:
    found = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
    return {**found, "hashes": hashes} if hashes else found


def bill() -> dict[str, Any]:
    """The whole list."""
    components = [
        *python_packages((ROOT / "requirements.lock").read_text(encoding="utf-8")),
        *node_packages(json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))),
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "xubao"}},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1, ensure_ascii=False)
