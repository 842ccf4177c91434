"""`python -m bootstrap.deployment`: Django's own check of the settings that production runs with."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from bootstrap.places import PYTHON, ROOT

# As docker-compose.yml gives them; the keys live as long as this process.
PRODUCTION = {
    "XUBAO_MODE": "production",
    "XUBAO_SIMULATION": "false",
    "ALLOWED_HOSTS": "xubao.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://xubao.example.com",
}


def main() -> int:
    """0 when there is nothing to say; Django's warnings count as errors."""
    keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "VAULT_KEY")}
    command = [str(PYTHON), "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=str(ROOT), env={**os.environ, **PRODUCTION, **keys}).returncode


if __name__ == "__main__":
    sys.exit(main())
