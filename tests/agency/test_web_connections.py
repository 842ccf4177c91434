"""The web process: each request has a thread of its own, and no connection to Postgres of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from django.db import connection

from agency import engines

ASK_IN_THREADS = """
import agency.asgi
from threading import Thread
from django.db import connection

backends = set()

def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backends.add(cursor.fetchone()[0])
    connection.close()

for _ in range(6):
    thread = Thread(target=ask)
    thread.start()
    thread.join()
print(len(backends))
"""


def test_six_requests_of_the_web_process_open_two_connections_at_most(committed: None) -> None:
    address = engines.urls().app.replace("/xubao?", f"/{connection.settings_dict['NAME']}?")
    asked = subprocess.run(
        [sys.executable, "-c", ASK_IN_THREADS],
        env=os.environ | {"DATABASE_URL": address},
        capture_output=True,
        text=True,
        check=False,
    )
    # One may still be the start's own, which looked at the walls.
    assert asked.returncode == 0, asked.stderr
    assert 1 <= int(asked.stdout) <= 2
