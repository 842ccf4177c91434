"""The web process' entry point."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
os.environ.setdefault("DATABASE_POOL", "true")
application = get_asgi_application()

# Imported late: it needs the settings. A web process whose database has no walls serves nothing.
from agency.checks import refuse_without_walls  # noqa: E402

refuse_without_walls()
