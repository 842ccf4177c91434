"""Celery carries ids and rings; what is to be done stands in Postgres."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agency.settings")
app = Celery("xubao")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
