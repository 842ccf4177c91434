"""Compiles the translations: each `.po` to the `.mo` that Django reads. No GNU gettext is needed."""

from __future__ import annotations

from pathlib import Path

from bootstrap.places import ROOT


def stale(root: Path = ROOT) -> list[Path]:
    """The `.po` files that are newer than their `.mo`, or have none."""
    sources = root.glob("locale/*/LC_MESSAGES/*.po")
    return [source for source in sources if not _compiled(source)]


def _compiled(source: Path) -> bool:
    made = source.with_suffix(".mo")
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime


def compile_all(sources: list[Path]) -> None:
    """Write the `.mo` beside each `.po`. Needs polib, so it runs under the Python of `.venv`."""
    import polib

    for source in sources:
        polib.pofile(str(source)).save_as_mofile(str(source.with_suffix(".mo")))


if __name__ == "__main__":
    compile_all(stale())
