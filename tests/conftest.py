"""What every test stands on: real engines, one database a worker, and the cast.

Nothing here belongs to one app: fixtures of companies and renewals are in `tests/cast.py`.
"""

from __future__ import annotations

pytest_plugins = ["tests.database", "tests.cast"]
