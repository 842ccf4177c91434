"""The web process' entry point for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
application = get_wsgi_application()

# Imported late: it needs the settings. A web process whose database has no walls serves nothing.
from agency.checks import refuse_without_walls  # noqa: E402

refuse_without_walls()
