"""Keeps what the driver brought: evidence and policies, each file under its digest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from agency import audit
from portal_driver.contract import Evidence as EvidenceBrought
from portal_driver.contract import PolicyRead
from renewals.domain.claiming import hold
from renewals.domain.story import tell
from renewals.models import Evidence, Policy, Renewal, Run

READ_BYTES = 1024 * 1024


class FileChanged(RuntimeError):
    """A file is not what the driver said that it is."""


def keep_evidence(run: Run, brought: EvidenceBrought, *, directory: Path) -> Evidence:
    """Store the file for good and chain its row to the renewal's evidence before it.

    Raises `EpochLost`, and `FileChanged` when the file's digest is another.
    """
    renewal = hold(run)
    stored = _store(renewal, directory / brought.file, brought.sha256)
    previous = renewal.evidence.order_by("-at").values_list("chain", flat=True).first() or ""
    return Evidence.objects.create(
        renewal=renewal,
        run=run,
        stage=brought.stage or "",
        kind=brought.kind,
        page=brought.page,
        file=stored,
        sha256=brought.sha256,
        size=brought.size,
        chain=_link(previous, (brought.stage or "", brought.kind, brought.page, brought.sha256)),
    )


def keep_policy(run: Run, brought: PolicyRead, *, directory: Path) -> Policy:
    """Store the policy and its dates. Repeatable. Raises `EpochLost`, `FileChanged`."""
    renewal = hold(run)
    stored = _store(renewal, directory / brought.file, brought.sha256)
    policy, made = Policy.objects.update_or_create(
        renewal=renewal,
        defaults={
            "agency_id": renewal.agency_id,
            "company_id": renewal.company_id,
            "number": brought.number,
            "valid_from": _date(brought.valid_from),
            "valid_to": _date(brought.valid_to),
            "insurer": brought.insurer,
            "file": stored,
            "sha256": brought.sha256,
            "size": brought.size,
        },
    )
    if made:
        tell(renewal, "policy_downloaded", run=run, number=policy.number)
        audit.record("policy_downloaded", policy, by=None, number=policy.number, sha256=policy.sha256)
    return policy


def policy_received(renewal: Renewal) -> None:
    """The portal shows that the policy was acknowledged (收悉)."""
    Policy.objects.filter(renewal=renewal, received_at__isnull=True).update(received_at=Now())


def path_of(file: str) -> Path:
    """Where a stored file lies."""
    return Path(settings.MEDIA_ROOT) / file


def _store(renewal: Renewal, source: Path, digest: str) -> str:
    """Copy a file under its digest, whole or not at all; a file that is there already stays.

    Each agency has a folder of its own, so that no file is shared between two.
    """
    name = f"{renewal.agency_id}/{digest[:2]}/{digest}{source.suffix}"
    target = path_of(name)
    if _digest(source) != digest:
        raise FileChanged(f"{source.name} is not the file that the driver announced")
    if target.exists():
        return name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
    with source.open("rb") as read, draft.open("wb") as write:
        shutil.copyfileobj(read, write, READ_BYTES)
        write.flush()
        os.fsync(write.fileno())
    draft.chmod(0o600)
    draft.rename(target)
    return name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _link(previous: str, words: Iterable[str]) -> str:
    return sha256("\0".join([previous, *words]).encode()).hexdigest()


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
