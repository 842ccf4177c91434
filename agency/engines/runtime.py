"""The runtime directory: what a checkout keeps that is neither code nor set-up."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def runtime_dir() -> Path:
    """Where this checkout keeps its databases, sockets, logs and files; it may not exist yet.

    `$XUBAO_RUNTIME` where it is set. Otherwise a name made from the checkout's path, because a Unix
    socket's path may have 103 characters on macOS and a checkout can lie deep; under the user's
    state directory or, for root, whose home the unprivileged engines cannot enter, in /var/tmp.
    """
    if asked := os.environ.get("XUBAO_RUNTIME"):
        return Path(asked)
    name = f"xubao-{sha256(str(CHECKOUT).encode()).hexdigest()[:8]}"
    if os.geteuid() == 0:
        return Path("/var/tmp") / name  # noqa: S108  (prepare() refuses a directory that is not ours)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / name


def prepare(runtime: Path) -> None:
    """Make the directory, closed to others; raises `PermissionError` when it is somebody else's.

    As root others may pass through it, not look: the engines run as another user inside it.
    """
    runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    if runtime.is_symlink() or runtime.stat().st_uid != os.geteuid():
        raise PermissionError(
            f"{runtime} belongs to somebody else; set XUBAO_RUNTIME to a directory of yours"
        )
    runtime.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in ("log", "tmp"):
        (runtime / name).mkdir(exist_ok=True, mode=0o700)
