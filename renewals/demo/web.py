"""The demo's web process: `python -m renewals.demo.web NUMBER` serves on a socket that its parent has opened.

uvicorn has `--fd` for that, and takes such a socket for one between processes: each answer would wait for
the caller to acknowledge its head (Nagle's algorithm).
"""

from __future__ import annotations

import socket
import sys

import uvicorn


def main(number: str) -> None:
    """Serve until a signal comes."""
    config = uvicorn.Config("agency.asgi:application", lifespan="off", log_level="warning")
    config.load()  # before the loop begins: what is loaded asks the database for its walls
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(number))])


if __name__ == "__main__":
    main(*sys.argv[1:])
