"""Unpacks the Chromium of npm's @sparticuz/chromium. Run by the Python of `.venv`, for brotli."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import brotli

# It brings the libraries that a slim Linux lacks. `exec` keeps the process the browser's own.
_COMMAND = '#!/bin/sh\nexport LD_LIBRARY_PATH="{home}/lib"\nexec "{home}/headless-shell" "$@"\n'


def unpack(directory: Path) -> None:
    """Make `directory/chromium`, a command that runs the browser with its own libraries."""
    home = directory / "unpacked"
    home.mkdir(exist_ok=True)
    packed = directory / "node_modules" / "@sparticuz" / "chromium" / "bin"
    shell = home / "headless-shell"
    shell.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    shell.chmod(0o755)
    for name in ("swiftshader", "al2023"):
        archive = brotli.decompress((packed / f"{name}.tar.br").read_bytes())
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(home, filter="data")
    command = directory / "chromium"
    command.write_text(_COMMAND.format(home=home))
    command.chmod(0o755)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]))
