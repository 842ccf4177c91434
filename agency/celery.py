"""Celery carries ids and rings; what is to be done stands in Postgres."""

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
app = Celery("xubao")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _check_walls(**_more: object) -> None:
    """A worker whose database has no walls takes no work."""
    from agency.checks import refuse_without_walls

    refuse_without_walls()
