"""Celery as most would use it here: prefork, and in each task a browser that runs the plainest script.

`celery -A benchmarks.batches_parts.prefork worker -P prefork`; each process has the desk of its own number.
A task writes one line into the file that `ROBOT_RESULTS` names: when it began and ended, or why it failed.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from billiard import current_process
from celery import Celery

from benchmarks.batches_parts.robot import Job, renew

QUEUE = "robots"
app = Celery("robots", broker=os.environ.get("ROBOT_BROKER", ""))
app.conf.update(
    task_ignore_result=True,
    task_default_queue=QUEUE,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task
def run_robot(job: dict[str, Any]) -> None:
    """One company's renewal at this process's desk."""
    began = time.time()
    told = {"began": began, "ended": 0.0, "error": ""}
    try:
        desk = _desk()
        renew(replace(Job(**job), desk=desk), browser=os.environ["ROBOT_BROWSER"])
    except Exception as error:
        told["error"] = repr(error)
    told["ended"] = time.time()
    # One write, appended: lines of several processes do not mix.
    with Path(os.environ["ROBOT_RESULTS"]).open("a") as results:
        results.write(json.dumps(told) + "\n")


def _desk() -> int:
    """The pool numbers its processes from 0, and gives a new one its predecessor's number."""
    process: Any = current_process()
    return int(process.index) + 1
