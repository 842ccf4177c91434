"""Drives the Single Window portal for one company: a process of its own, without Django or Celery."""
