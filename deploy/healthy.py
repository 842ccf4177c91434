"""Whether this container's web process can serve pages: exit status 0 or 1. For Docker's health check."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def main(port: int = 8000) -> int:
    """Ask as the proxy would: by the site's name, as if over TLS; anything else is refused or redirected."""
    host = os.environ["ALLOWED_HOSTS"].split(",")[0]
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
