"""Workbooks between preview and confirmation: kept for a day, for the person who sent them alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from agency.tenancy import current_scope

KEPT_S = 24 * 3600


def keep(upload: UploadedFile[bytes], *, of: UUID) -> UUID:
    """Put the upload of this person aside; the returned key opens it again for him, in this agency."""
    folder = _folder(of)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _forget_old(folder)
    key = uuid4()
    with (folder / str(key)).open("wb") as file:
        file.writelines(upload.chunks())
    (folder / str(key)).chmod(0o600)
    return key


@contextmanager
def kept(key: UUID, *, of: UUID) -> Iterator[BinaryIO]:
    """The upload that was put aside. Raises `FileNotFoundError` when it was used, is too old, or not his."""
    with (_folder(of) / str(key)).open("rb") as file:
        yield file


def forget(key: UUID, *, of: UUID) -> None:
    """The upload has served its purpose."""
    (_folder(of) / str(key)).unlink(missing_ok=True)


def _folder(person: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / str(current_scope().agency) / "uploads" / str(person)


def _forget_old(folder: Path) -> None:
    for file in folder.iterdir():
        if file.stat().st_mtime < time.time() - KEPT_S:
            file.unlink(missing_ok=True)
